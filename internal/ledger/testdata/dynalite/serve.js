// Serves a DynamoDB in memory on a free port of this machine, prints the port, and ends
// with its standard input, so that it does not outlive the test that started it.
const dynalite = require("dynalite");

const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
