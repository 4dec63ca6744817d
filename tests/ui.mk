ui: deps program ## the pages of `ringback view` in a real Chromium; pictures in build/tests/ui (T=bulk picks)
	@T=$(T) tests/all.d/56-ui

.PHONY: ui
