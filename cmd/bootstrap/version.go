package main

// version is set by the release build (-ldflags -X main.version=...).
var version = "dev"
