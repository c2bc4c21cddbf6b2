"""The commands: functions of settings, a folder and a listener."""
