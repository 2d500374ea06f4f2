// Node's --require for quickstarts that run as they are: what lies outside of their text.

// They wait a minute for the rate limit of a free account.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = (work, milliseconds, ...more) => setTimer(work, Math.min(milliseconds ?? 0, 50), ...more);

// One assigns the key and the address, which its reader is to paste, to variables that it does not declare.
for (const [name, variable] of [["key", "FACE_APIKEY"], ["endpoint", "FACE_ENDPOINT"]])
  Object.defineProperty(globalThis, name, { get: () => process.env[variable], set: () => {} });

// The same one creates a group as version 4 of its SDK had it, and asks for an attribute that only version 5 knows.
const Module = require("module");
const load = Module._load;
Module._load = (request, ...more) => {
  const loaded = load(request, ...more);
  if (request === "@azure/cognitiveservices-face" && !loaded.adapted) {
    const { create } = loaded.PersonGroupOperations.prototype;
    loaded.PersonGroupOperations.prototype.create = function (id, name, options) {
      return typeof name === "string" ? create.call(this, id, name, options) : create.call(this, id, name.name, name);
    };
    loaded.adapted = true;
  }
  return loaded;
};
