// Runs SQL in one in-memory DuckDB. Each line of standard input is a JSON array of
// statements; it is answered with a line, "ok" and a JSON object with the seconds
// that all of them took and the rows of the last one, or "error" and a message.
const { DuckDBInstance } = require('@duckdb/node-api');
const readline = require('node:readline');

async function main() {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      const start = process.hrtime.bigint();
      let rows = [];
      for (const sql of JSON.parse(line)) {
        const reader = await connection.runAndReadAll(sql);
        rows = reader.getRowsJson();
      }
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      process.stdout.write(`ok ${JSON.stringify({ seconds, rows })}\n`);
    } catch (err) {
      process.stdout.write(`error ${String(err.message).replace(/\s+/g, ' ')}\n`);
    }
  }
}

main();
