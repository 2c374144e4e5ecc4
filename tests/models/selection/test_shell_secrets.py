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
curl -uann:hunter2 https://host
curl --user=ann:hunter2 https://host
curl --proxy-user ann:hunter2 https://host
curl --oauth2-bearer abcdef https://host
curl -H "Cookie: session=abcdef123" https://host
curl -b 'session=abcdef' https://host
curl "https://x.blob.core.windows.net/c?sv=2020-08-04&sig=abcdef%2Fxyz%3D"
curl -d '{"username":"ann","password":"hunter2"}' https://host/login
curl -F password=hunter2 https://host/login
curl https://discord.com/api/webhooks/123456789/abcdef-ghi_jkl
curl -H "Authorization: Bearer @JWT@" https://host
echo @JWT@
echo aHVudGVyMjpoZWxsb3dvcmxkYW5kbW9yZQ== | base64 -d
http -a ann:hunter2 host
mysql -u root -pSECRET shop
mysql -u root -p'abcdef$1' shop
mysql -u root -p$'abcdef' shop
mysqladmin -u root password hunter2
mysql -e "SET PASSWORD FOR 'a'@'b' = PASSWORD('hunter2')"
docker login -p=hunter2
docker run -e MYSQL_ROOT_PASSWORD=hunter2 mysql
docker build --build-arg TOKEN=abcdef .
docker secret create x - <<< hunter2
echo 'hunter2' | sudo --stdin apt update
sudo -S ls <<< hunter2
echo "ann:hunter2" | chpasswd
ssh ann@h "echo hunter2 | sudo -S reboot"
wget ftp://ann:a1@host/x
pg_dump postgresql://u:p@h/db
https_proxy=http://ann:hunter2@proxy:8080 curl x
sftp ann:hunter2@host
set -gx TOKEN abcdef
pw=hunter2; run $pw
MYPW=hunter2 ./x
read -s X <<< hunter2
echo hunter2 > ~/.ssh/password
echo "machine host login ann password hunter2" >> ~/.netrc
cat > ~/.pgpass <<EOF\\nhost:5432:db:ann:hunter2\\nEOF
curl \\\\n  --user \\\\n  ann:hunter2 https://host
redis-cli -ahunter2
redis-cli -u redis://:hunter2@h:6379
sshpass -phunter2 ssh host
openssl enc -aes-256-cbc -pass pass:hunter2 -in x
openssl passwd -1 hunter2
ldapsearch -x -D cn=admin -whunter2
sqlcmd -S h -U sa -Phunter2
sqlplus ann/hunter2@db
unrar x -phunter2 a.rar
zip -er -Phunter2 a b
keytool -genkey -storepass hunter2 -keypass hunter2
qpdf --encrypt hunter2 hunter2 256 -- a b
java -Djavax.net.ssl.keyStorePassword=hunter2 -jar x
nmcli dev wifi connect home password hunter2
wpa_passphrase home hunter2
smbclient //h/s hunter2 -U ann
mount -t cifs -o user=ann,pass=hunter2 //h/s /mnt
net use z: '//h/s' hunter2 /user:ann
xfreerdp /u:ann /p:hunter2 /v:host
useradd -p hunter2 ann
twine upload -u __token__ -p abcdef dist/*
npm publish --otp=abcdef
poetry config http-basic.x ann hunter2
cargo login abcdef
gh secret set FOO --body hunter2
fly secrets set API=abcdef
kubectl create secret generic s --from-literal key=abcdef
helm upgrade x y --set postgresql.auth.postgresPassword=hunter2
ansible-vault encrypt_string 'hunter2' --name db
ansible-playbook x.yml --extra-vars '{"db_password":"hunter2"}'
terraform apply -var="db_password=hunter2"
vault kv put secret/x value=hunter2
aws secretsmanager create-secret --name x --secret-string hunter2
aws ssm put-parameter --name x --type SecureString --value hunter2
az storage blob list --account-key abcdef== --account-name x
rabbitmqctl add_user ann hunter2
mosquitto_pub -u ann -P hunter2 -t x
ngrok authtoken abcdef
oathtool --totp -b ABCDEFGH2345abcdef
bw unlock hunter2
hunter2!
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
echo "$PASSWORD" | docker login --password-stdin
PASSWORD=$(pass show mail) ./x
read -rs TOKEN; export TOKEN
ssh host 'mysql -p$PASS shop'
curl -u "ann:$PASS" https://host/
sort --key=2 x
grep -rn "password" src
gh secret set FOO
vault login
wpa_passphrase home
openssl passwd -1
docker exec -u 1000:1000 web sh
docker pull reg/image:tag@sha256:abc
chown ann:ann x
psql -U ann -p 5432 shop
mysql -P 3306 -u root
python -m pytest -p no:cacheprovider
scp -P 2222 a host:b
git clone git@github.com:x/y.git
ssh ann@host:22
curl 'https://host/?q=1&page=2'
curl -b cookies.txt host
echo hello > notes.txt
java -Dfoo=bar -jar x
cat <<EOF > x
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
    "eyJ",
    "aHVudGVy",
    "SECRET",
    "zzzzzz",
    "'abc'",
)
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
TOKEN = "ghp_" + "q7Zk2vLx9TbW4nRs8YdM3cHf6PgJ1aKeaBcD12"


@pytest.mark.parametrize("line", PLANTED.replace("@TOKEN@", TOKEN).replace("@JWT@", JWT).splitlines())
def test_a_planted_secret_is_found_and_nothing_of_it_is_shown(line: str) -> None:
    command = line.replace(r"\n", "\n")
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
