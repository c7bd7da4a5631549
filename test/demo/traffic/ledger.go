package traffic

import "sync"

// ledger knows the true lag, from what the producer was acknowledged and from what the consumers committed.
type ledger struct {
	mu         sync.Mutex
	partitions []position
}

// position of one partition: the offsets of the next record to be produced and to be consumed.
type position struct {
	end, committed int64
}

func newLedger(partitions int32) *ledger { return &ledger{partitions: make([]position, partitions)} }

func (l *ledger) produced(partition int32, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &l.partitions[partition]
	p.end = max(p.end, offset+1)
}

func (l *ledger) consumed(partition int32, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &l.partitions[partition]
	p.committed = max(p.committed, offset+1)
}

// committed returns the offset of the partition up to which everything is consumed.
func (l *ledger) committed(partition int32) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.partitions[partition].committed
}

// totals are over all partitions, at one moment.
func (l *ledger) totals() Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	var t Totals
	for _, p := range l.partitions {
		t.Produced += p.end
		t.Consumed += min(p.committed, p.end) // a commit can overtake the acknowledgement of the same record
	}
	return t
}
