// Checks a signed log with the note and tlog packages of Go's checksum database, which know nothing of
// Ringfence: the signature, the root over every leaf, proofs that entries are in it, and that it grew. Then every
// line of the log that is left against its leaf. What is not there, or has no content any more, an entry must say.
//
//	elsewhere STATE KEY PROOF... -- OLD-SIZE GROWTH
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// All hashes of the tree, in the order in which the package stores them.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, s[index])
	}
	return found, nil
}

func main() {
	log.SetFlags(0)
	folder, key := filepath.Join(os.Args[1], "tlog"), os.Args[2]
	verifier := must(note.NewVerifier(key))
	size, root := open(must(os.ReadFile(filepath.Join(folder, "checkpoint"))), verifier)

	hashes, leaves := stored{}, entries(folder, size)
	for number, leaf := range leaves {
		hashes = append(hashes, must(tlog.StoredHashes(int64(number), leaf, hashes))...)
	}
	if must(tlog.TreeHash(size, hashes)) != root {
		log.Fatal("the root is another")
	}

	rest := os.Args[3:]
	for ; rest[0] != "--"; rest = rest[1:] {
		head, signed := split(must(os.ReadFile(rest[0])))
		proved, provedRoot := open(signed, verifier)
		index := must(strconv.ParseInt(strings.TrimPrefix(head[2], "index "), 10, 64))
		leaf := must(base64.StdEncoding.DecodeString(strings.TrimPrefix(head[1], "extra ")))
		if err := tlog.CheckRecord(tlog.RecordProof(decoded(head[3:])), proved, provedRoot, index, tlog.RecordHash(leaf)); err != nil {
			log.Fatalf("%s: %v", rest[0], err)
		}
	}
	old := must(strconv.ParseInt(rest[1], 10, 64))
	head, _ := split(must(os.ReadFile(rest[2])))
	if err := tlog.CheckTree(tlog.TreeProof(decoded(head[1:])), size, root, old, must(tlog.TreeHash(old, hashes))); err != nil {
		log.Fatalf("growth: %v", err)
	}
	removed, empty := kept(filepath.Join(os.Args[1], "audit"), leaves)
	fmt.Printf("agrees: %d entries, %d removed, %d without content\n", size, removed, empty)
}

// What a line says of itself, of a removal and of a redaction.
type entry struct {
	Seq, Entry uint64
	Prev, Hash string
	Kind       string
	Of, Stub   string
	Segments   []struct {
		Last struct {
			Seq  uint64
			Hash string
		}
	}
}

// Every line that is left against its leaf; how many entries are removed, and how many have no content.
func kept(folder string, leaves [][]byte) (removed uint64, empty int) {
	var lines [][]byte
	var read []entry
	for _, path := range must(filepath.Glob(filepath.Join(folder, "*.jsonl"))) {
		for _, line := range bytes.Split(must(os.ReadFile(path)), []byte("\n")) {
			if len(line) > 0 {
				var it entry
				must(0, json.Unmarshal(line, &it))
				lines, read = append(lines, line), append(read, it)
			}
		}
	}
	// What the log itself says is gone. Each of these entries is held to its leaf below.
	last, stubs := map[uint64]string{}, map[uint64]entry{}
	for _, it := range read {
		for _, segment := range it.Segments {
			last[segment.Last.Seq] = segment.Last.Hash
		}
		if it.Kind == "redaction" {
			stubs[it.Entry] = it
		}
	}
	next, before := uint64(1), "sha256:"+strings.Repeat("0", 64)
	if len(read) > 0 && read[0].Seq > 1 {
		removed = read[0].Seq - 1
		if last[removed] != read[0].Prev {
			log.Fatalf("entry 1 is missing, and nothing says why")
		}
		next, before = read[0].Seq, read[0].Prev
	}
	for number, it := range read {
		if it.Seq != next || it.Prev != before {
			log.Fatalf("entry %d is missing", next)
		}
		next, before = it.Seq+1, it.Hash
		content, _, _ := bytes.Cut(lines[number], []byte(`,"hash":"sha256:`+strings.TrimPrefix(it.Hash, "sha256:")+`"}`))
		made := fmt.Sprintf("sha256:%x", sha256.Sum256(content))
		isStub := it.Kind == "redacted" && stubs[it.Seq].Of == it.Hash && stubs[it.Seq].Stub == made
		if isStub {
			empty++
		}
		signed := it.Seq > uint64(len(leaves)) || string(leaves[it.Seq-1]) == fmt.Sprintf("%d %s", it.Seq, it.Hash)
		if !signed || made != it.Hash && !isStub {
			log.Fatalf("entry %d is not what was signed", it.Seq)
		}
	}
	if next <= uint64(len(leaves)) {
		log.Fatalf("entry %d is missing", next)
	}
	return removed, empty
}

func open(signed []byte, verifier note.Verifier) (int64, tlog.Hash) {
	opened := must(note.Open(signed, note.VerifierList(verifier)))
	lines := strings.Split(opened.Text, "\n")
	return must(strconv.ParseInt(lines[1], 10, 64)), must(tlog.ParseHash(lines[2]))
}

// The leaves, from the bundles of 256.
func entries(folder string, size int64) [][]byte {
	var leaves [][]byte
	for tile := int64(0); int64(len(leaves)) < size; tile++ {
		path := filepath.Join(folder, "tile", "entries", fmt.Sprintf("%03d", tile))
		bundle, err := os.ReadFile(path)
		if err != nil {
			bundle = must(os.ReadFile(filepath.Join(path+".p", fmt.Sprint(size%256))))
		}
		for len(bundle) > 0 {
			length := 2 + int(binary.BigEndian.Uint16(bundle))
			leaves = append(leaves, bundle[2:length])
			bundle = bundle[length:]
		}
	}
	return leaves
}

func split(text []byte) ([]string, []byte) {
	head, signed, _ := strings.Cut(string(text), "\n\n")
	return strings.Split(head, "\n"), []byte(signed)
}

func decoded(lines []string) (hashes []tlog.Hash) {
	for _, line := range lines {
		hashes = append(hashes, must(tlog.ParseHash(line)))
	}
	return hashes
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
