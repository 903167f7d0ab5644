//go:build !unix

package outfile

func unsyncable(error) bool { return true }
