#!/bin/sh
# What operators do today: they make a new signing key by hand, and run curl every second until the service has it.
# rotate.sh SECRET KMS_KEY PID HEALTH_URL
set -eu
secret=$1 key=$2 pid=$3 health=$4
umask 077
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$dir/key.pem" 2>/dev/null
kid=$(openssl pkey -in "$dir/key.pem" -pubout -outform DER | openssl dgst -sha256 -r | cut -c1-43)
ciphertext=$(aws kms encrypt --key-id "$key" --plaintext "fileb://$dir/key.pem" --query CiphertextBlob --output text)
printf '{"kid":"%s","ciphertext":"%s"}' "$kid" "$ciphertext" >"$dir/secret.json"
aws secretsmanager put-secret-value --secret-id "$secret" --secret-string "file://$dir/secret.json" >/dev/null
kill -HUP "$pid"
tries=0
until curl -fsS --max-time 2 "$health" | grep -q "\"kid\":\"$kid\""; do
  tries=$((tries + 1))
  [ "$tries" -lt 20 ] || exit 1
  sleep 1
done
