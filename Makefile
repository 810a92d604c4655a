# The few words that a newcomer needs; everything else is in ./dev.
PREFIX ?= /usr/local

.PHONY: run demo test build install clean

run:
	@./dev deps run
	@./dev build release sekisho
	@./dev run

demo:
	@./dev deps
	@./dev build release sekisho
	@./dev demo

test:
	@./dev test

build:
	@./dev build release

install: build/release/sekisho
	install -D -m 755 build/release/sekisho $(DESTDIR)$(PREFIX)/bin/sekisho

build/release/sekisho:
	@./dev build release sekisho

clean:
	rm -rf build
