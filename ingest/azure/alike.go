package azure

import (
	"reflect"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/network"
)

var (
	originType = reflect.TypeFor[diag.Origin]()
	textType   = reflect.TypeFor[network.RuleText]()
)

// alike reports whether two decoded objects mean the same: where they stand, how
// rules were spelled and the case of ids do not matter.
func alike(a, b any) bool { return alikeValues(reflect.ValueOf(a), reflect.ValueOf(b)) }

func alikeValues(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.String:
		return strings.EqualFold(a.String(), b.String())
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return alikeValues(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !alikeValues(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		if a.Type() == originType || a.Type() == textType {
			return true
		}
		if a.Type().PkgPath() == "net/netip" {
			return a.Equal(b)
		}
		for i := range a.NumField() {
			if !alikeValues(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}
