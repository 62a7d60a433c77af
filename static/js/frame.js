import "./dialogs.js";
import "./toasts.js";
import "./theme.js";
import "./forms.js";
import "./palette.js";
import "./keys.js";
