// Whether files are AsyncAPI: prints a line for each, "FILE: 15 channels, 15 operations, 11 messages",
// or lines with what is wrong with it; exits 1 if something is.
//     node deploy/node/asyncapi.mjs docs/asyncapi.yaml
import { readFileSync } from "node:fs";
import parsing from "@asyncapi/parser";
import protobuf from "@asyncapi/protobuf-schema-parser";

const parser = new parsing.Parser();
parser.registerSchemaParser(protobuf.ProtoBuffSchemaParser());
for (const path of process.argv.slice(2)) {
  const { document, diagnostics } = await parser.parse(readFileSync(path, "utf8"));
  // Severity 0 is an error, 1 a warning; the rest is advice.
  const found = diagnostics.filter((one) => one.severity <= 1);
  for (const one of found) {
    console.log(`${path}:${one.range.start.line + 1}: ${one.code}: ${one.message}`);
  }
  if (found.length > 0 || !document) {
    process.exitCode = 1;
    continue;
  }
  const counts = [document.channels(), document.operations(), document.components().messages()];
  const [channels, operations, messages] = counts.map((one) => one.all().length);
  console.log(`${path}: ${channels} channels, ${operations} operations, ${messages} messages`);
}
