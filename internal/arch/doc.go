// Package arch holds the test that keeps the packages' import directions.
package arch
