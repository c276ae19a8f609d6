package dev.millrace.control.journal;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// Checks the entries of one journal from the first to the newest, and names the first entry that
/// was changed, removed, inserted or moved. It cannot find what was done by someone who then
/// computed the hashes of all later entries and of the head again: only a hash that was noted
/// elsewhere shows that. Immutable and thread-safe.
///
/// @param entries sorted by their numbers
/// @param head the newest entry, as it is stored beside the entries; empty if it is not stored
public record JournalChain(
        String migration, List<JournalEntry> entries, Optional<JournalEntry.Head> head) {

    /// @param entries in any order
    public JournalChain {
        entries =
                entries.stream()
                        .sorted(
                                Comparator.comparingLong(JournalEntry::number)
                                        .thenComparing(JournalEntry::at))
                        .toList();
    }

    /// How many numbers are tried to find the one under which an entry was written. A role that can
    /// edit the table can give it any number.
    static final int MOST_NUMBERS = 100_000;

    /// The result of a check.
    public sealed interface Finding {

        /// Every entry is where it was written, with every field.
        ///
        /// @param hash of the newest entry
        record Unbroken(long entries, String hash) implements Finding {}

        /// @param number the first entry that is not as it was written
        /// @param reason what the check saw; part of a sentence
        record Broken(long number, Damage damage, String reason) implements Finding {}

        /// There is neither an entry nor a head.
        record Empty() implements Finding {}
    }

    /// What happened to an entry.
    public enum Damage {
        CHANGED("changed"),
        REMOVED("removed"),
        INSERTED("inserted"),
        MOVED("moved");

        private final String text;

        Damage(String text) {
            this.text = text;
        }

        /// For messages and JSON.
        public String text() {
            return text;
        }
    }

    /// Whether an entry has this hash.
    public boolean contains(String hash) {
        return entries.stream().anyMatch(entry -> entry.hash().equals(hash));
    }

    public Finding check() {
        if (entries.isEmpty() && head.isEmpty()) {
            return new Finding.Empty();
        }
        String previous = JournalEntry.NONE;
        for (int i = 0; i < entries.size(); i++) {
            JournalEntry entry = entries.get(i);
            if (entry.number() != i + 1L || !follows(entry, i + 1L, previous)) {
                return broken(i, previous);
            }
            previous = entry.hash();
        }
        return atHead(previous);
    }

    private Finding atHead(String newest) {
        long count = entries.size();
        if (head.isEmpty()) {
            return new Finding.Broken(
                    count + 1, Damage.REMOVED, "the record of the newest entry is missing");
        }
        JournalEntry.Head known = head.get();
        if (known.number() > count) {
            return new Finding.Broken(
                    count + 1,
                    Damage.REMOVED,
                    "the newest entry had the number %d".formatted(known.number()));
        }
        if (known.number() < count) {
            return new Finding.Broken(
                    known.number() + 1,
                    Damage.INSERTED,
                    "the newest entry had the number %d".formatted(known.number()));
        }
        return known.hash().equals(newest)
                ? new Finding.Unbroken(count, newest)
                : new Finding.Broken(
                        count, Damage.CHANGED, "the newest entry had the hash " + known.hash());
    }

    /// Whether it is the entry that was written after the one with the hash `previous`.
    private boolean follows(JournalEntry entry, long number, String previous) {
        return entry.previous().equals(previous) && isWritten(entry, number);
    }

    /// Whether it was written under this number with these fields.
    private boolean isWritten(JournalEntry entry, long number) {
        return entry.hashAs(migration, number).equals(entry.hash());
    }

    /// All entries before the index are as they were written.
    private Finding broken(int index, String previous) {
        JournalEntry found = entries.get(index);
        long expected = index + 1L;
        if (found.number() < expected) {
            return new Finding.Broken(
                    found.number(),
                    Damage.INSERTED,
                    "two entries have this number, or it is below 1");
        }
        Optional<JournalEntry> right =
                entries.stream()
                        .skip(index)
                        .filter(entry -> follows(entry, expected, previous))
                        .findFirst();
        if (right.isPresent()) {
            return insteadOf(right.get(), found, expected);
        }
        if (index > 0 && hasSibling(index)) {
            return new Finding.Broken(
                    index, Damage.INSERTED, "another entry follows the one before it as well");
        }
        if (found.number() == expected && isWritten(found, expected)) {
            return index == 0
                    ? new Finding.Broken(1, Damage.CHANGED, "it names an entry before it")
                    : new Finding.Broken(
                            index, Damage.CHANGED, "the entry after it contains another hash");
        }
        if (found.number() > expected || wasLater(found, expected)) {
            return new Finding.Broken(expected, Damage.REMOVED, "a later entry is in its place");
        }
        return new Finding.Broken(expected, Damage.CHANGED, "its fields do not give its hash");
    }

    /// The right entry exists, but is not where it belongs.
    private Finding insteadOf(JournalEntry right, JournalEntry found, long expected) {
        if (right.equals(found)) {
            return new Finding.Broken(
                    expected, Damage.MOVED, "it has the number %d".formatted(found.number()));
        }
        return wasLater(found, expected)
                ? new Finding.Broken(
                        expected, Damage.MOVED, "it has the number %d".formatted(right.number()))
                : new Finding.Broken(
                        expected,
                        Damage.INSERTED,
                        "the entry that was written here has the number %d"
                                .formatted(right.number()));
    }

    /// Whether the entry before the index has a double: another entry from the index on follows the
    /// one before that.
    private boolean hasSibling(int index) {
        String before = index == 1 ? JournalEntry.NONE : entries.get(index - 2).hash();
        return IntStream.range(index, entries.size())
                .anyMatch(i -> follows(entries.get(i), index, before));
    }

    /// Whether it was written under a higher number, of the next ones.
    private boolean wasLater(JournalEntry found, long expected) {
        long highest =
                Math.max(
                        entries.getLast().number(), head.map(JournalEntry.Head::number).orElse(0L));
        return LongStream.rangeClosed(
                        expected + 1, Math.min(highest, expected + MOST_NUMBERS - 1) + 1)
                .anyMatch(number -> isWritten(found, number));
    }
}
