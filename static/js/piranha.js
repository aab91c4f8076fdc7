// What every page has: keys, forms that know what changed, questions before a loss.
// Every page works without it.

import { askBeforeLoss } from "./confirm.js";
import { watchForms } from "./forms.js";
import { listenForKeys } from "./keys.js";

document.documentElement.classList.add("js");
document.getElementById("error-summary")?.focus();
watchForms();
askBeforeLoss();
listenForKeys();
