package kafka

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// random returns the bytes of an answer of that version with anything in it.
func (k decodeKind) random(r *rand.Rand, version int16) []byte {
	resp := k.theirs()
	randomValue(r, reflect.ValueOf(resp).Elem())
	resp.SetVersion(version)
	if described, ok := resp.(*kmsg.DescribeGroupsResponse); ok {
		for i := range described.Groups {
			g := &described.Groups[i]
			if r.IntN(4) > 0 {
				g.ProtocolType = consumerProtocol
			}
			for j := range g.Members {
				g.Members[j].ProtocolMetadata, g.Members[j].MemberAssignment = randomMember(r)
			}
		}
	}
	return resp.AppendTo(nil)
}

func randomMember(r *rand.Rand) (subscription, assignment []byte) {
	if r.IntN(5) == 0 {
		return nil, nil // rebalancing
	}
	var s kmsg.ConsumerMemberMetadata
	var a kmsg.ConsumerMemberAssignment
	randomValue(r, reflect.ValueOf(&s).Elem())
	randomValue(r, reflect.ValueOf(&a).Elem())
	s.Version, a.Version = int16(r.IntN(5)), int16(r.IntN(5))
	return s.AppendTo(nil), a.AppendTo(nil)
}

func randomValue(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if tags, ok := v.Addr().Interface().(*kmsg.Tags); ok {
			if r.IntN(10) == 0 {
				tags.Set(r.Uint32(), make([]byte, r.IntN(200)))
			}
			return
		}
		for i := range v.NumField() {
			randomValue(r, v.Field(i))
		}
	case reflect.Slice:
		n := r.IntN(4)
		if r.IntN(20) == 0 {
			n = 30
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			randomValue(r, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			randomValue(r, v.Index(i))
		}
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			randomValue(r, v.Elem())
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("%.*s", r.IntN(12), strconv.FormatUint(r.Uint64(), 36)))
		if r.IntN(50) == 0 {
			v.SetString(fmt.Sprintf("%0200d", r.IntN(10)))
		}
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Uint8:
		v.SetUint(r.Uint64N(256))
	default: // signed numbers: mostly small ones, so that some are there twice
		v.SetInt(int64(r.IntN(40) - 1))
		if r.IntN(10) == 0 {
			v.SetInt(int64(r.Uint64()))
		}
	}
}
