package dev.millrace.control.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.journal.JournalChain.Damage;
import dev.millrace.control.journal.JournalChain.Finding;
import dev.millrace.control.journal.JournalEntry.Head;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Each kind of damage at each place of a chain. A naive intruder leaves hashes as they are; a
/// careful one computes the hash of what he changes.
class JournalChainTest {

    private static final String MIGRATION = "shop";
    private static final int LENGTH = 6;
    private static final Instant START = Instant.parse("2026-03-01T10:00:00.000001Z");

    private final List<JournalEntry> entries = written(LENGTH);

    private static List<JournalEntry> written(int length) {
        List<JournalEntry> written = new ArrayList<>();
        for (int number = 1; number <= length; number++) {
            written.add(
                    hashed(
                            number,
                            "event " + number,
                            written.isEmpty() ? JournalEntry.NONE : written.getLast().hash()));
        }
        return written;
    }

    private static JournalEntry hashed(long number, String event, String previous) {
        JournalEntry entry =
                new JournalEntry(
                        number,
                        START.plusSeconds(number),
                        "ann",
                        "IN_SYNC",
                        event,
                        "{\"what\": \"ü\"}",
                        previous,
                        "");
        return withHash(entry);
    }

    private static JournalEntry withHash(JournalEntry entry) {
        return with(entry, entry.number(), entry.hashAs(MIGRATION, entry.number()));
    }

    private static JournalEntry numbered(JournalEntry entry, long number) {
        return with(entry, number, entry.hash());
    }

    private static JournalEntry with(JournalEntry entry, long number, String hash) {
        return new JournalEntry(
                number,
                entry.at(),
                entry.who(),
                entry.phase(),
                entry.event(),
                entry.detail(),
                entry.previous(),
                hash);
    }

    private Finding check() {
        List<JournalEntry> original = written(LENGTH);
        return new JournalChain(
                        MIGRATION,
                        entries,
                        Optional.of(new Head(LENGTH, original.getLast().hash())))
                .check();
    }

    private void assertBroken(long number, Damage damage) {
        assertThat(check())
                .isInstanceOfSatisfying(
                        Finding.Broken.class,
                        broken -> {
                            assertThat(broken.damage()).isEqualTo(damage);
                            assertThat(broken.number()).isEqualTo(number);
                        });
    }

    @Test
    void anUntouchedChainIsUnbroken() {
        assertThat(check()).isEqualTo(new Finding.Unbroken(LENGTH, entries.getLast().hash()));
    }

    @Test
    void theOrderOfReadingDoesNotMatter() {
        assertThat(
                        new JournalChain(
                                        MIGRATION,
                                        entries.reversed(),
                                        Optional.of(new Head(LENGTH, entries.getLast().hash())))
                                .check())
                .isInstanceOf(Finding.Unbroken.class);
    }

    @Test
    void theChainOfAnotherMigrationIsBroken() {
        assertThat(
                        new JournalChain(
                                        "other",
                                        entries,
                                        Optional.of(new Head(LENGTH, entries.getLast().hash())))
                                .check())
                .isInstanceOfSatisfying(
                        Finding.Broken.class, broken -> assertThat(broken.number()).isOne());
    }

    @Test
    void nothingAtAllIsNoUnbrokenChain() {
        assertThat(new JournalChain(MIGRATION, List.of(), Optional.empty()).check())
                .isEqualTo(new Finding.Empty());
    }

    private static Stream<UnaryOperator<JournalEntry>> changes() {
        return Stream.of(
                e -> changed(e, e.at().plusNanos(1_000), e.who(), e.phase(), e.event(), e.detail()),
                e -> changed(e, e.at(), "bob", e.phase(), e.event(), e.detail()),
                e -> changed(e, e.at(), e.who(), "FAILED", e.event(), e.detail()),
                e -> changed(e, e.at(), e.who(), e.phase(), "pause", e.detail()),
                e -> changed(e, e.at(), e.who(), e.phase(), e.event(), "{}"),
                // The same text, divided in another way.
                e -> changed(e, e.at(), "an", "nIN_SYNC", e.event(), e.detail()),
                e -> with(e, e.number(), "f".repeat(64)));
    }

    private static JournalEntry changed(
            JournalEntry entry, Instant at, String who, String phase, String event, String detail) {
        return new JournalEntry(
                entry.number(), at, who, phase, event, detail, entry.previous(), entry.hash());
    }

    @ParameterizedTest
    @MethodSource("changes")
    void aChangedFieldIsFoundInEveryEntry(UnaryOperator<JournalEntry> change) {
        for (int i = 0; i < LENGTH; i++) {
            JournalEntry original = entries.get(i);
            entries.set(i, change.apply(original));
            assertBroken(i + 1L, Damage.CHANGED);
            entries.set(i, original);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void aChangedEntryWithAFittingHashIsFound(int number) {
        entries.set(number - 1, hashed(number, "forged", entries.get(number - 1).previous()));

        assertBroken(number, Damage.CHANGED);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void aRemovedEntryIsFound(int number) {
        entries.remove(number - 1);

        assertBroken(number, Damage.REMOVED);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5})
    void aRemovedEntryIsFoundIfTheLaterOnesAreRenumbered(int number) {
        entries.remove(number - 1);
        renumber(number - 1);

        assertBroken(number, Damage.REMOVED);
    }

    private void renumber(int from) {
        for (int i = from; i < entries.size(); i++) {
            entries.set(i, numbered(entries.get(i), i + 1L));
        }
    }

    @Test
    void theRemovalOfAllEntriesIsFound() {
        entries.clear();

        assertBroken(1, Damage.REMOVED);
    }

    @Test
    void aMissingHeadIsFound() {
        assertThat(new JournalChain(MIGRATION, entries, Optional.empty()).check())
                .isInstanceOf(Finding.Broken.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void anInsertedEntryIsFound(int number) {
        JournalEntry forged = numbered(withHash(entries.getFirst()), number);
        forged = with(forged, number, "e".repeat(64));
        entries.add(number - 1, forged);
        renumber(number);

        assertBroken(number, Damage.INSERTED);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7})
    void anInsertedEntryWithFittingHashesIsFound(int number) {
        String previous = number == 1 ? JournalEntry.NONE : entries.get(number - 2).hash();
        entries.add(number - 1, hashed(number, "forged", previous));
        renumber(number);

        assertBroken(number, Damage.INSERTED);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5})
    void twoEntriesInAnotherOrderAreFound(int number) {
        JournalEntry first = entries.get(number - 1);
        entries.set(number - 1, numbered(entries.get(number), number));
        entries.set(number, numbered(first, number + 1L));

        assertBroken(number, Damage.MOVED);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void anEntryThatWasMovedToTheEndIsFound(int number) {
        entries.set(number - 1, numbered(entries.get(number - 1), 50));

        assertBroken(number, Damage.MOVED);
    }

    /// A role that can edit the table can give an entry any number; the check ends all the same.
    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, Long.MAX_VALUE - 1, 1L << 40})
    @Timeout(60)
    void aHugeNumberIsFoundInShortTime(long number) {
        entries.set(1, changed(entries.get(1), START, "bob", "FAILED", "pause", "{}"));
        entries.set(LENGTH - 1, numbered(entries.get(LENGTH - 1), number));

        assertBroken(2, Damage.CHANGED);
    }

    /// What the check cannot see: every later hash and the head were computed again. A hash that
    /// was noted elsewhere shows it.
    @Test
    void onlyANotedHashShowsAJournalThatWasWrittenAgain() {
        String noted = entries.getLast().hash();
        List<JournalEntry> forged = new ArrayList<>();
        for (int number = 1; number <= LENGTH; number++) {
            forged.add(
                    hashed(
                            number,
                            "forged " + number,
                            forged.isEmpty() ? JournalEntry.NONE : forged.getLast().hash()));
        }
        JournalChain chain =
                new JournalChain(
                        MIGRATION, forged, Optional.of(new Head(LENGTH, forged.getLast().hash())));

        assertThat(chain.check()).isInstanceOf(Finding.Unbroken.class);
        assertThat(chain.contains(noted)).isFalse();
    }
}
