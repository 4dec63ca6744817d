// Keys and tokens of the tests: RS256, as a sign-in service would give them.
//   node tests/ui/tokens.mjs FOLDER            writes FOLDER/jwks.json and FOLDER/private.pem
//   node tests/ui/tokens.mjs FOLDER CLAIMS     prints a token with these claims (JSON) beside the usual
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const KEY_ID = "key-of-the-test";
export const SEE = [
  "analytics:conversationDetail:view",
  "routing:queue:view",
  "ui:supervisorScheduledCallbacks:view",
];
export const CAMPAIGN = "outbound:campaign:view";
export const CANCEL = "conversation:communication:disconnect";
export const EDIT = "conversation:callback:edit";

export function makeKeys(folder) {
  const { publicKey, privateKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...publicKey.export({ format: "jwk" }), kid: KEY_ID, alg: "RS256", use: "sig" };
  fs.writeFileSync(path.join(folder, "jwks.json"), JSON.stringify({ keys: [key] }));
  fs.writeFileSync(
    path.join(folder, "private.pem"),
    privateKey.export({ type: "pkcs8", format: "pem" }),
  );
}

/** A token with these claims, good for an hour. */
export function token(folder, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: "RS256", typ: "JWT", kid: KEY_ID })}.${part({
    sub: "sam",
    name: "The supervisor",
    nbf: now - 60,
    exp: now + 3600,
    domains: ["acme"],
    permissions: [...SEE, CAMPAIGN, CANCEL, EDIT],
    ...claims,
  })}`;
  const key = fs.readFileSync(path.join(folder, "private.pem"));
  return `${signed}.${crypto.sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder, claims] = process.argv.slice(2);
  if (claims) {
    console.log(token(folder, JSON.parse(claims)));
  } else {
    makeKeys(folder);
  }
}
