"""What shipped models learn from: projects in packages of PyPI, npm and Debian, their licences, and which files somebody wrote.

Packages are data: their files are read, and nothing of them is installed, built or imported. It may import `selection` alone.
"""
