package lag

import (
	"cmp"
	"slices"
	"time"
)

// Offset is one offset of a partition's log. Value counts only if ReadAt is set. In an Observation, the zero Offset was not
// asked for. In a Snapshot, an Err together with a ReadAt means: not read in the latest collection, Value is from ReadAt.
type Offset struct {
	Value  int64
	ReadAt time.Time
	Err    error
}

// Known says whether the offset was read at most maxAge before now.
func (o Offset) Known(now time.Time, maxAge time.Duration) bool {
	return !o.ReadAt.IsZero() && now.Sub(o.ReadAt) <= maxAge
}

// Offsets holds one kind of offset of all partitions of a topic. There are very many of them, so what nearly all have in common is
// said once, and none of them holds a pointer. The zero value knows and asks for nothing. See [Offsets.At].
type Offsets struct {
	// Values are by the index of Topic.Partitions, NoOffset where there is none. Nil if there is none at all.
	Values []int64
	ReadAt time.Time // when all were read but those of Others
	Err    error     // why all could not be read in the latest collection but those of Others
	// Others are of another time or error, in the order of Index; nil if there are none.
	Others []OtherOffset
}

// OtherOffset is when the offset of one partition was read, and why it was not.
type OtherOffset struct {
	Index  int // in Topic.Partitions
	ReadAt time.Time
	Err    error
}

// At returns the offset of the partition at that index of Topic.Partitions.
func (o *Offsets) At(index int) Offset {
	out := Offset{ReadAt: o.ReadAt, Err: o.Err}
	if len(o.Others) > 0 {
		i, found := slices.BinarySearchFunc(o.Others, index, func(other OtherOffset, index int) int { return cmp.Compare(other.Index, index) })
		if found {
			out.ReadAt, out.Err = o.Others[i].ReadAt, o.Others[i].Err
		}
	}
	if !o.has(index) {
		out.ReadAt = time.Time{}
		return out
	}
	out.Value = o.Values[index]
	return out
}

// has says whether there is an offset of the partition at that index.
func (o *Offsets) has(index int) bool {
	return index >= 0 && index < len(o.Values) && o.Values[index] >= 0
}

// NewOffsets puts together what was read of each partition.
func NewOffsets(each ...Offset) Offsets {
	base := slices.IndexFunc(each, func(o Offset) bool { return o.Err == nil && !o.ReadAt.IsZero() })
	var out Offsets
	if base >= 0 {
		out.ReadAt = each[base].ReadAt
	}
	for i, o := range each {
		if !o.ReadAt.IsZero() && o.Value < 0 {
			o = Offset{Err: contradiction("ListOffsets", ClassProtocol, "an offset of %d", o.Value)}
		}
		if o.ReadAt.IsZero() {
			o.Value = NoOffset
		} else if out.Values == nil {
			out.Values = slices.Repeat([]int64{NoOffset}, len(each))
		}
		if o.Value != NoOffset {
			out.Values[i] = o.Value
		}
		if o.Err != nil || o.Value != NoOffset && !o.ReadAt.Equal(out.ReadAt) {
			out.Others = append(out.Others, OtherOffset{Index: i, ReadAt: o.ReadAt, Err: o.Err})
		}
	}
	return out
}

// Oldest returns when the one was read that was read the longest ago; whole is false if some were never read, or not the last time.
func (o *Offsets) Oldest() (readAt time.Time, whole bool) {
	readAt, whole = o.ReadAt, o.Err == nil && len(o.Values) > 0 && slices.Min(o.Values) >= 0
	for i := range o.Others {
		whole = whole && o.Others[i].Err == nil
		if o.Others[i].ReadAt.Before(readAt) {
			readAt = o.Others[i].ReadAt
		}
	}
	return readAt, whole
}

// asked says whether any offset was asked for.
func (o *Offsets) asked() bool { return o.Values != nil || o.Err != nil || o.Others != nil }

// whole says whether the offsets of all the partitions, which are so many, were read at ReadAt.
func (o *Offsets) whole(partitions int) bool {
	return o.Err == nil && len(o.Others) == 0 && len(o.Values) == partitions && (partitions == 0 || slices.Min(o.Values) >= 0)
}

// readAfter says whether some offset was read after that time.
func (o *Offsets) readAfter(t time.Time) bool {
	return o.ReadAt.After(t) || slices.ContainsFunc(o.Others, func(other OtherOffset) bool { return other.ReadAt.After(t) })
}

// failed returns the offsets with the reason why they could not be read, but for those that were read since then.
func (o *Offsets) failed(err error, since time.Time) Offsets {
	out := *o
	if !o.readAfter(since) {
		out.Err, out.Others = err, slices.Clone(o.Others)
		for i := range out.Others {
			out.Others[i].Err = err
		}
		return out
	}
	each := make([]Offset, len(o.Values))
	for i := range each {
		each[i] = o.At(i).failed(err, since)
	}
	return NewOffsets(each...)
}

// merged returns the later of what is known and what was read; what was not read keeps what is known, with the reason.
func (o Offset) merged(read Offset, startedAt time.Time) Offset {
	switch {
	case read.Err != nil:
		return o.failed(read.Err, startedAt)
	case read.ReadAt.Before(o.ReadAt): // also where it was not asked for
		return o
	}
	return read
}

// failed returns the offset with the reason why it could not be read, unless it was read since then.
func (o Offset) failed(err error, since time.Time) Offset {
	if o.ReadAt.After(since) {
		return o
	}
	o.Err = err
	return o
}
