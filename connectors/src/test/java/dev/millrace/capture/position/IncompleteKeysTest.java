package dev.millrace.capture.position;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.backfill.BackfillState.Fact;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class IncompleteKeysTest {

    private static final RowKey KEY = RowKey.of(new TableId("public", "item"), "1");
    private static final RowKey OTHER = RowKey.of(new TableId("public", "item"), "2");

    private final IncompleteKeys keys = new IncompleteKeys();

    @Test
    void aWatermarkWithoutOpenKeysIsComplete() {
        keys.committed(List.of(1L), Set.of(), List.of());

        assertThat(keys.isIncompleteAt(1)).isFalse();
        assertThat(keys.isCompleted(1)).isTrue();
    }

    @Test
    void aWatermarkIsCompletedByTheReadsOfEarlierKeysOnly() {
        keys.committed(List.of(1L), Set.of(KEY), List.of(new Fact.OfKey(KEY, true)));
        keys.committed(List.of(2L), Set.of(OTHER), List.of(new Fact.OfKey(OTHER, true)));
        assertThat(keys.isIncompleteAt(1)).isTrue();
        assertThat(keys.isCompleted(1)).isFalse();

        keys.committed(List.of(3L), Set.of(), List.of(new Fact.OfKey(KEY, false)));

        assertThat(keys.isCompleted(1)).isTrue();
        assertThat(keys.isCompleted(2)).isFalse();
        assertThat(keys.isIncompleteAt(3)).isTrue();
    }

    /// The read follows the watermark in the log although one transaction contains both.
    @Test
    void aKeyThatIsOpenedAndCompletedInOneBatchIsOpenAtItsWatermark() {
        keys.committed(List.of(1L), Set.of(KEY), List.of());

        assertThat(keys.isIncompleteAt(1)).isTrue();
        assertThat(keys.isCompleted(1)).isTrue();
    }

    @Test
    void aRestartKnowsTheKeysOfTheLog() {
        keys.begin(Set.of(KEY));
        keys.committed(List.of(1L), Set.of(), List.of());

        assertThat(keys.isIncompleteAt(1)).isTrue();
        assertThat(keys.isCompleted(1)).isFalse();
    }
}
