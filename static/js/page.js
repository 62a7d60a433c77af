// Before anything is drawn: say that scripts run, so that CSS shows what only they can do.
document.documentElement.classList.add("js");
