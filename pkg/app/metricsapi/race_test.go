//go:build race

package metricsapi

// raceDetector says that the tests run with the race detector, which keeps several times the program's memory.
const raceDetector = true
