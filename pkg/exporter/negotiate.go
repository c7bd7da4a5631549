package exporter

import (
	"cmp"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
)

// format is a text format of metrics.
type format int

const (
	text        format = iota // Prometheus text 0.0.4, for whoever does not ask for another
	openMetrics               // OpenMetrics 1.0
)

// encoding returns the format as expfmt knows it, which is also the content type.
func (f format) encoding() expfmt.Format {
	if f == openMetrics {
		return expfmt.NewFormat(expfmt.TypeOpenMetrics)
	}
	return expfmt.NewFormat(expfmt.TypeTextPlain)
}

// negotiate returns what the client likes best of what there is.
func negotiate(header http.Header) variant {
	return variant{format: negotiateFormat(header), gzip: acceptsGzip(header)}
}

// negotiateFormat ignores what it cannot give, such as protobuf and OpenMetrics 0.0.1, as clients list text as well.
func negotiateFormat(header http.Header) format {
	ranges := accepted(header, "Accept")
	slices.SortStableFunc(ranges, func(a, b acceptance) int { return cmp.Compare(b.quality, a.quality) })
	for _, r := range ranges {
		version := r.params["version"]
		switch {
		case r.quality == 0:
			continue
		case r.value == expfmt.OpenMetricsType && (version == "" || version == expfmt.OpenMetricsVersion_1_0_0):
			return openMetrics
		case r.value == "text/plain" && (version == "" || version == expfmt.TextVersion), r.value == "text/*", r.value == "*/*":
			return text
		}
	}
	return text
}

// acceptsGzip says whether the client accepts gzip and does not prefer the text as it is.
func acceptsGzip(header http.Header) bool {
	gzip, identity, other := -1.0, -1.0, -1.0 // -1: not mentioned
	for _, c := range accepted(header, "Accept-Encoding") {
		switch c.value {
		case "gzip":
			gzip = c.quality
		case "identity":
			identity = c.quality
		case "*":
			other = c.quality
		}
	}
	if gzip < 0 {
		gzip = other
	}
	return gzip > 0 && gzip >= identity
}

// acceptance is one element of an Accept header.
type acceptance struct {
	value   string
	params  map[string]string
	quality float64
}

// accepted parses an Accept header; elements that do not parse are left out.
func accepted(header http.Header, name string) []acceptance {
	var list []acceptance
	for element := range strings.SplitSeq(strings.Join(header.Values(name), ","), ",") {
		value, params, err := mime.ParseMediaType(element)
		if err != nil {
			continue
		}
		a := acceptance{value: value, params: params, quality: 1}
		if q, ok := params["q"]; ok {
			if a.quality, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		list = append(list, a)
	}
	return list
}
