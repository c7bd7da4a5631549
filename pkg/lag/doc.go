// Package lag says what consumer lag is.
//
// An [Observation] holds what one collection read from the brokers, as it was read. [Compute] turns it, with the previous
// [Snapshot], into the next one; it is the only place in the project with lag arithmetic and does no I/O. A Snapshot never
// changes once it is made, so any number of readers may share it. [Sum] answers for a [Selection] of partitions.
//
// One rule stands above all others: what is not known is never a number. A value that could not be read keeps the time at which
// it was last read, and readers stop believing it when it is older than their max-age. A sum with an unknown part is unknown.
//
// The package uses the standard library only.
package lag
