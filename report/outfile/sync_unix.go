//go:build unix

package outfile

import (
	"errors"
	"syscall"
)

func unsyncable(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP)
}
