package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.deletedUser;
import static dev.millrace.reconcile.UserMapper.user;
import static dev.millrace.reconcile.UserMapper.userWithUnchangedName;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.change.Row;
import dev.millrace.kafka.ChangeLog.Logged;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.reconcile.ImageComparison.Decision;
import dev.millrace.reconcile.KeyHistories.KeyHistory;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ImageComparisonTest {

    private final ImageComparison comparison =
            new ImageComparison(new UserMapper(), UnaryOperator.identity());

    private static Row target(String name, String amount) {
        return ((MappedRow.Upsert) new UserMapper().map(user(7, name, amount))).row();
    }

    private static KeyHistory history(ChangeEvent... events) {
        KeyHistory history = KeyHistory.NONE;
        long offset = 0;
        for (ChangeEvent event : events) {
            history = history.after(new Logged<>(1, offset++, 0, event), Set.of(99L));
        }
        return history;
    }

    private static ChangeEvent update(Row row) {
        return new ChangeEvent.Update(1, Origin.NONE, row);
    }

    private static ChangeEvent insert(Row row) {
        return new ChangeEvent.Insert(1, Origin.NONE, row);
    }

    private static ChangeEvent delete(Row row) {
        return new ChangeEvent.Delete(1, Origin.NONE, row);
    }

    private Decision decide(@Nullable Row target, ChangeEvent... events) {
        return comparison.decide(history(events), target);
    }

    private static Decision different(Kind kind, String... columns) {
        return new Decision.Different(new KeyDifference.Found(kind, List.of(columns)));
    }

    @Test
    void lastChangeDecides() {
        assertThat(decide(target("b", "2"), insert(user(7, "a", "1")), update(user(7, "b", "2"))))
                .isEqualTo(new Decision.Same());
        assertThat(decide(target("a", "2"), insert(user(7, "a", "1")), update(user(7, "b", "2"))))
                .isEqualTo(different(Kind.DIFFERENT, "full_name"));
    }

    @Test
    void distinguishesAMissingRowFromADeletedOne() {
        assertThat(decide(null, insert(user(7, "a", "1")))).isEqualTo(different(Kind.MISSING));
        assertThat(decide(null, delete(user(7, "a", "1")))).isEqualTo(new Decision.Same());
        assertThat(decide(target("a", "1"), delete(user(7, "a", "1"))))
                .isEqualTo(different(Kind.EXTRA));
    }

    @Test
    void treatsARowThatLeftTheWhereAsDeleted() {
        assertThat(decide(null, update(deletedUser(7)))).isEqualTo(new Decision.Same());
        assertThat(decide(target("a", "1"), update(deletedUser(7))))
                .isEqualTo(different(Kind.EXTRA));
    }

    @Test
    void takesAnUnchangedCellFromAnOlderImage() {
        ChangeEvent[] history = {insert(user(7, "a", "1")), update(userWithUnchangedName(7, "2"))};

        assertThat(decide(target("a", "2"), history)).isEqualTo(new Decision.Same());
        assertThat(decide(target("b", "2"), history))
                .isEqualTo(different(Kind.DIFFERENT, "full_name"));
    }

    @Test
    void unchangedCellWithoutAnOlderImageCanOnlyProveADifference() {
        ChangeEvent part = update(userWithUnchangedName(7, "2"));

        assertThat(decide(target("a", "2"), part)).isInstanceOf(Decision.Inconclusive.class);
        assertThat(decide(target("a", "3"), part)).isEqualTo(different(Kind.DIFFERENT, "amount"));
    }

    @Test
    void deleteDiscardsOlderImages() {
        assertThat(
                        decide(
                                target("a", "2"),
                                insert(user(7, "a", "1")),
                                delete(user(7, "a", "1")),
                                insert(userWithUnchangedName(7, "2"))))
                .isInstanceOf(Decision.Inconclusive.class);
    }

    @Test
    void keyWithoutChangesInTheLogIsInconclusive() {
        assertThat(comparison.decide(KeyHistory.NONE, target("a", "1")))
                .isInstanceOf(Decision.Inconclusive.class);
    }

    @Test
    void truncateDeletesTheRow() {
        ChangeEvent truncate = new ChangeEvent.Truncate(1, Origin.NONE, UserMapper.USERS, 5);

        assertThat(decide(null, insert(user(7, "a", "1")), truncate))
                .isEqualTo(new Decision.Same());
    }

    @Test
    void historyRecordsAHiddenTransaction() {
        ChangeEvent hidden =
                new ChangeEvent.Update(1, new Origin(Lsn.ZERO, 99, 0), user(7, "a", "1"));

        assertThat(history(hidden, update(user(7, "b", "1"))).byHidden()).isTrue();
        assertThat(history(update(user(7, "b", "1"))).byHidden()).isFalse();
    }

    @Test
    void matchesAHiddenTransactionWithoutItsEpoch() {
        Set<Long> secondEpoch = Set.of((1L << 32) + 99);
        Origin streamed = new Origin(Lsn.ZERO, 99, 0);

        assertThat(
                        KeyHistory.NONE
                                .after(
                                        new Logged<>(
                                                1,
                                                0,
                                                0,
                                                new ChangeEvent.Delete(
                                                        1, streamed, user(7, "a", "1"))),
                                        secondEpoch)
                                .byHidden())
                .isTrue();
        assertThat(
                        KeyHistory.NONE
                                .after(
                                        new Logged<>(
                                                1,
                                                0,
                                                0,
                                                new ChangeEvent.Truncate(
                                                        1, streamed, UserMapper.USERS, 5)),
                                        secondEpoch)
                                .byHidden())
                .isTrue();
    }
}
