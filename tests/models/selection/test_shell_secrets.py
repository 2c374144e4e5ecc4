"""Commands with planted secrets, and commands that only speak of secrets."""

import pytest

from elman_models.selection.shell_secrets import masked, secrets_in_command

PLANTED = """\
mysql -phunter2 shop
mysql -u root --password=abc shop
mysqldump -u root -p'my pass phrase' shop
sshpass -p hunter2 ssh host
curl -u ann:hunter2 https://host/
curl -H "Authorization: Bearer abcdefgh12345" https://x
curl -H 'X-Api-Key: abcdef' https://x
curl 'https://api.host/v1?token=abcdefgh&x=1'
curl https://api.host/v1?api_key=abc123def456
export DB_PASSWORD=hunter
GITHUB_TOKEN=abcdef gh pr list
psql postgres://ann:hunter2@db/x
echo hunter2 | sudo -S make install
docker login -u ann -p hunter2 reg
echo abc | docker login --password-stdin
docker login --password-stdin <<< abc
Tr0ub4dor3&
redis-cli -h x -a hunter2
openssl rsa -in key.pem -passin pass:hunter2
vault login s.abcdef
export AWS_SECRET_ACCESS_KEY='wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzKEY'
git clone https://ann:@TOKEN@@github.com/x/y
htpasswd -b /etc/nginx/.htpasswd ann hunter2
zip -P hunter2 a.zip b
gpg --passphrase hunter --batch -c x
git show 3f2c9a1be07d4456a8c1d2e3f4a5b6c7d8e9f0a1
heroku 12345678-1234-1234-1234-123456789abc
mytool abCd12Ef34gH56ij
smbclient -U ann%hunter2 //host/share
kubectl create secret generic x --from-literal=password=abc
nmcli dev wifi connect home password hunter22
mongo -u a -p hunter2
npm config set //registry.npmjs.org/:_authToken abcdefg
ssh-keygen -N hunter2 -f key
wget --http-password=abc https://x
http :8000 "Authorization:Token abcdef123"
sudo -u postgres psql -c "ALTER USER ann PASSWORD 'hunter2'"
mysql -u root -e "CREATE USER 'a'@'%' IDENTIFIED BY 'hunter2'"
API_KEY="abc def" run
az login -u x -p hunter2
flask run --secret-key abcdef
"""
HARMLESS = """\
git commit -m 'Fix the token parser'
ls -la
cd ~/src/password-store
pass show mail
docker run -p 8080:80 nginx
docker compose up -d -p shop
mkdir -p a/b
mysql -u root -p shop
ssh -i ~/.ssh/id_rsa host
ssh -p 2222 ann@host
curl -u ann https://host/
curl -H "Authorization: Bearer $TOKEN" https://x
export TOKEN=$(cat ~/.token)
export PATH=$PATH:/usr/bin
make KEY=value
openssl genrsa -out key.pem 2048
ansible-playbook --vault-password-file ~/.vault x.yml
ssh-keygen -t ed25519 -C ann@host
python -m pytest tests/test_secrets.py -k token
grep -rn password src
docker login --password-stdin < token.txt
passwd
sudo passwd ann
cat key.pem
kubectl get secret
git log --oneline -p
cp -p a b
tar xzf foo-1.2.3.tar.gz
tmux new -s main
psql -h localhost -U ann shop
rsync -avzP a host:b
unzip -P
PYTHONPATH=. python x.py
DEBUG=1 make test
git push --set-upstream origin feature/ABC123-add-login-page
ls AbstractFactoryBuilder2Test
npm run build -- --keys
pacman -S base-devel
git checkout 3f2c9a1
vim TestLogin2.py
make test-tokens=5
xinput set-prop 12 'Device Accel Profile' -1
./run.sh --token-type bearer
aws s3 cp s3://bucket/key.json .
jq '.token' x.json
echo $PASSWORD | sudo -S ls
"""
SECRETS = (
    "hunter2",
    "abcdef",
    "Tr0ub4dor3&",
    "abCd12Ef34gH56ij",
    "3f2c9a1be07d",
    "12345678-1234",
    "pass phrase",
    "ghp_",
    "zzzzzz",
    "'abc'",
)
TOKEN = "ghp_" + "q7Zk2vLx9TbW4nRs8YdM3cHf6PgJ1aKeaBcD12"


@pytest.mark.parametrize("command", PLANTED.replace("@TOKEN@", TOKEN).splitlines())
def test_a_planted_secret_is_found_and_nothing_of_it_is_shown(command: str) -> None:
    secrets = secrets_in_command(command)
    assert secrets
    shown = masked(command, secrets)
    assert "***" in shown
    assert not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize("command", HARMLESS.splitlines())
def test_what_speaks_of_secrets_holds_none(command: str) -> None:
    assert secrets_in_command(command) == []


def test_the_rest_of_the_command_is_shown() -> None:
    command = "mysql -phunter2 --user ann shop"
    assert masked(command, secrets_in_command(command)) == "mysql *** --user ann shop"


@pytest.mark.parametrize("command", ["'", '"', "\\", "a='", "--password", "-p", "$(", "x" * 1000, "'\n", "é=ü --token"])
def test_no_command_is_too_odd(command: str) -> None:
    assert secrets_in_command(command) == []
