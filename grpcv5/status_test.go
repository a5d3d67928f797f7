package grpcv5

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

func TestEveryCodeHasAStatus(t *testing.T) {
	for _, code := range core.Codes() {
		got, ok := statusCodes[code]
		if _, known := apis.Code_name[int32(got)]; !ok || !known || got == apis.Code_OK || got == apis.Code_CODE_UNSPECIFIED {
			t.Errorf("%v is answered %v", code, got)
		}
	}
	if len(statusCodes) != len(core.Codes()) {
		t.Errorf("%d rows for %d codes", len(statusCodes), len(core.Codes()))
	}
}

func TestStatusTexts(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code apis.Code
		text string
	}{
		{nil, apis.Code_OK, "OK"},
		{core.Errorf(core.TopicNotFound, "no topic %s", "x"), apis.Code_TOPIC_NOT_FOUND, "no topic x"},
		{core.Errorf(core.Internal, "secret"), apis.Code_INTERNAL_SERVER_ERROR, "internal error"},
		{errors.New("secret"), apis.Code_INTERNAL_SERVER_ERROR, "internal error"},
		{refuse(apis.Code_ILLEGAL_TOPIC, "no"), apis.Code_ILLEGAL_TOPIC, "no"},
	} {
		if s := status(tt.err); s.Code != tt.code || s.Message != tt.text {
			t.Errorf("%v: %v", tt.err, s)
		}
	}
	if s := status(refuse(apis.Code_BAD_REQUEST, "%s", "\xff")); !utf8.ValidString(s.Message) {
		t.Errorf("%q is not UTF-8", s.Message)
	}
}
