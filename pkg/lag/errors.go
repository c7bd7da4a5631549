package lag

import (
	"errors"
	"fmt"
	"time"
)

// Class says what kind of failure kept something from being read. It is a label value of the collector's error counter, so
// the set is small and closed.
type Class string

// The classes of read errors.
const (
	ClassConnection     Class = "connection"     // no connection, or it broke
	ClassTimeout        Class = "timeout"        // no answer in time
	ClassAuthentication Class = "authentication" // the broker refused our identity
	ClassAuthorization  Class = "authorization"  // an ACL is missing
	ClassCoordinator    Class = "coordinator"    // the group's coordinator is loading, moving or away
	ClassLeadership     Class = "leadership"     // the partition has no leader, or another one than metadata said
	ClassNotFound       Class = "not_found"      // the broker says that it does not exist
	ClassUnsupported    Class = "unsupported"    // the broker, or this program, cannot do it
	ClassOffsetRange    Class = "offset_range"   // offsets contradict each other: truncation, or a topic created anew
	ClassProtocol       Class = "protocol"       // an answer that makes no sense
	ClassOther          Class = "other"          // any other error code of the broker
)

// Classes lists every Class, for readers that must show all of them from the start.
func Classes() []Class {
	return []Class{
		ClassConnection, ClassTimeout, ClassAuthentication, ClassAuthorization, ClassCoordinator, ClassLeadership,
		ClassNotFound, ClassUnsupported, ClassOffsetRange, ClassProtocol, ClassOther,
	}
}

// ReadError is why one item could not be read.
type ReadError struct {
	Class  Class
	Broker int32  // node id of the broker asked, or -1 if none was
	Op     string // the request, such as "OffsetFetch"
	Err    error
}

func (e *ReadError) Error() string {
	if e.Broker < 0 {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s at broker %d: %v", e.Op, e.Broker, e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }

// ClassOf returns the class of the first ReadError in err's tree, ClassOther if it has none.
func ClassOf(err error) Class {
	if err == nil {
		return ClassOther
	}
	var read *ReadError
	if errors.As(err, &read) {
		return read.Class
	}
	return ClassOther
}

// UnknownError says that a value exists but is not known now. Readers must not put a number in its place.
type UnknownError struct {
	What   string    // what was asked for, such as `the lag of consumer group "orders"`
	Reason error     // why it could not be read; nil if only its age speaks against it
	ReadAt time.Time // when it was last known as a whole; zero if never
	Age    time.Duration
}

func (e *UnknownError) Error() string {
	reason := "it was not read again"
	if e.Reason != nil {
		reason = e.Reason.Error()
	}
	if e.ReadAt.IsZero() {
		return fmt.Sprintf("%s is not known yet: %s", e.What, reason)
	}
	return fmt.Sprintf("%s is not known, it was last read %s ago: %s", e.What, e.Age.Round(100*time.Millisecond), reason)
}

func (e *UnknownError) Unwrap() error { return e.Reason }

// AbsentError says that the brokers were asked and that what the selection names is not there.
type AbsentError struct {
	What string // what is absent, such as `no consumer group matches consumergroup=orders`
	Hint string // what to look at next
}

func (e *AbsentError) Error() string { return e.What + ": " + e.Hint }
