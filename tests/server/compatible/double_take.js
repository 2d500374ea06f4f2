// Run double-take's own detectors, unmodified, with Node's fetch in place of axios, and print what they answer.
// Arguments: the folder with the detectors, the server's URL, the key, and steps as JSON.

const fs = require("fs");
const Module = require("module");
const path = require("path");

const [folder, URL_, KEY, steps] = process.argv.slice(2);

class Form {
  form = new FormData();

  append(name, value) {
    if (typeof value === "string") return this.form.append(name, value);
    const file = fs.readFileSync(value.path);
    value.destroy();
    return this.form.append(name, new Blob([file]), path.basename(value.path));
  }

  getHeaders() { return {}; }
}

async function axios({ method, url, headers, params = {}, data, validateStatus }) {
  const address = new URL(url);
  for (const [name, value] of Object.entries(params)) if (value !== undefined) address.searchParams.append(name, value);
  const answer = await fetch(address, { method: method.toUpperCase(), headers, body: data?.form });
  const body = await answer.json();
  if (!answer.ok && !validateStatus?.()) throw new Error(`${answer.status} ${JSON.stringify(body)}`);
  return { status: answer.status, data: body };
}

const settings = { URL: URL_, KEY, TIMEOUT: 60, DET_PROB_THRESHOLD: 0.8 }; // double-take's default
const limits = { MATCH: { CONFIDENCE: 60, MIN_AREA: 1000 }, UNKNOWN: { CONFIDENCE: 40, MIN_AREA: 0 } };
const stubs = {
  axios,
  "form-data": Form,
  "../../constants": () => ({ DETECTORS: { COMPREFACE: settings, DEEPSTACK: settings } }),
  "../../constants/config": { detect: () => limits },
};
const load = Module._load;
Module._load = (request, ...more) => {
  if (stubs[request]) return stubs[request];
  try {
    return load(request, ...more);
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    return {}; // of other detectors, which are loaded but not used
  }
};

(async () => {
  const answers = [];
  for (const [detector, action, argument] of JSON.parse(steps)) {
    const own = require(path.join(folder, `${detector}.js`));
    const { status, data } = await own[action](argument);
    answers.push(action === "recognize" ? own.normalize({ camera: "door", data }) : status);
  }
  console.log(JSON.stringify(answers));
})();
