// Ends Azurite in its own orderly way when the process that started it closes our standard input or dies.
process.stdin.resume();
process.stdin.on("end", () => process.emit("SIGTERM"));
process.stdin.on("error", () => process.emit("SIGTERM"));
