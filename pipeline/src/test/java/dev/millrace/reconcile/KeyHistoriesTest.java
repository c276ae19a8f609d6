package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.kafka.ChangeLog.Logged;
import dev.millrace.reconcile.KeyHistories.KeyImage;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeyHistoriesTest {

    private static final int PARTITION = 1;
    private static final RowKey FIRST = key(1);
    private static final RowKey SECOND = key(2);

    /// Room for one of the wide rows.
    private final KeyHistories histories =
            new KeyHistories(Set.of(FIRST, SECOND), Set.of(), wide(1).size() + 20L);

    private static RowKey key(int id) {
        return user(id, "", "").key();
    }

    private static Row wide(int id) {
        return user(id, "x".repeat(1_000), "1");
    }

    private KeyImage add(ChangeEvent.OfRow event) {
        return histories.add(event.row().key(), new Logged<>(PARTITION, 0, 0, event));
    }

    private static ChangeEvent.OfRow update(Row row) {
        return new ChangeEvent.Update(1, Origin.NONE, row);
    }

    @Test
    void anImageThatExceedsTheLimitIsDropped() {
        assertThat(add(update(wide(1)))).isEqualTo(new KeyImage.Present(wide(1)));

        assertThat(add(update(wide(2)))).isEqualTo(new KeyImage.Dropped());

        assertThat(histories.of(FIRST).image()).isEqualTo(new KeyImage.Present(wide(1)));
        assertThat(histories.of(SECOND).isDropped()).isTrue();
        assertThat(histories.ofPartition(PARTITION)).containsExactlyInAnyOrder(FIRST, SECOND);
    }

    /// Its unchanged cells would otherwise be taken for cells that the log does not contain.
    @Test
    void aDroppedImageStaysDropped() {
        add(update(wide(1)));
        add(update(wide(2)));
        add(update(user(1, "narrow", "1")));

        assertThat(add(update(user(2, "narrow", "1")))).isEqualTo(new KeyImage.Dropped());
        assertThat(add(new ChangeEvent.Delete(1, Origin.NONE, user(2, "narrow", "1"))))
                .isEqualTo(new KeyImage.Dropped());
    }

    /// Its missing cells are not those of the change before it.
    @Test
    void aRowThatTheLogCannotHoldHasNoImage() {
        add(update(user(1, "narrow", "1")));

        assertThat(add(new ChangeEvent.Oversized(1, Origin.NONE, user(1, "x", "1"), "too large")))
                .isEqualTo(new KeyImage.Dropped());
        assertThat(add(update(user(1, "narrow", "1")))).isEqualTo(new KeyImage.Dropped());
    }

    @Test
    void anImageThatIsReplacedMakesRoom() {
        for (int i = 0; i < 5; i++) {
            assertThat(add(update(wide(1)))).isEqualTo(new KeyImage.Present(wide(1)));
        }
        add(new ChangeEvent.Delete(1, Origin.NONE, wide(1)));

        assertThat(add(update(wide(2)))).isEqualTo(new KeyImage.Present(wide(2)));
    }

    @Test
    void keysThatAreReadAgainMakeRoomAndTheOthersRemain() {
        add(update(wide(1)));
        add(update(user(2, "narrow", "1")));

        histories.readAgain(Set.of(FIRST));

        assertThat(histories.of(FIRST)).isEqualTo(KeyHistories.KeyHistory.NONE);
        assertThat(histories.isRead(SECOND)).isFalse();
        assertThat(histories.of(SECOND).image())
                .isEqualTo(new KeyImage.Present(user(2, "narrow", "1")));
        assertThat(add(update(wide(1)))).isEqualTo(new KeyImage.Present(wide(1)));
    }
}
