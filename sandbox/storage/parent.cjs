// Loaded before Azurite. Ends it in its own orderly way when the process that started it closes our standard input or
// dies, and holds it back until an Azurite that still writes out the same folder has ended: it would overwrite us.
const fs = require("fs");
const path = require("path");

const lock = path.join(process.argv[process.argv.indexOf("--location") + 1], "pid");

function runs(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const before = fs.existsSync(lock) ? Number(fs.readFileSync(lock, "utf8")) : 0;
for (let pauses = 0; before && runs(before) && pauses < 600; pauses++) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
}
fs.writeFileSync(lock, String(process.pid));
process.on("exit", () => fs.rmSync(lock, { force: true }));

// What Azurite says while it ends has no reader any more: that must not stop it from writing out its data.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

process.stdin.resume();
process.stdin.on("end", () => process.emit("SIGTERM"));
process.stdin.on("error", () => process.emit("SIGTERM"));
