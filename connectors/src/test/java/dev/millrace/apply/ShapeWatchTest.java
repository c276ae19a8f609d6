package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.shape.ShapeWatch;
import dev.millrace.apply.shape.TargetShape;
import dev.millrace.apply.shape.TargetShape.Waiting;
import dev.millrace.change.TableId;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ShapeWatchTest {

    private static final TableId TABLE = new TableId("public", "t");

    private final ShapeWatch watch = new ShapeWatch();

    private List<KeyRequest> keys(String shape, Long... ids) {
        return watch.due(Map.of(TABLE, new Waiting(shape, List.of(ids), "", false)));
    }

    private List<KeyRequest> stopped(String shape, String with) {
        return watch.due(Map.of(TABLE, new Waiting(shape, List.of(1L), with, true)));
    }

    @Test
    void keysAreTriedOnceWithEachShape() {
        assertThat(keys("a", 1L, 2L)).containsExactly(new KeyRequest.Retry(Set.of(1L, 2L)));
        assertThat(keys("a", 1L, 2L)).isEmpty();
        assertThat(keys("a", 1L, 2L, 3L))
                .as("rejected since the last look, with a shape that is not known")
                .containsExactly(new KeyRequest.Retry(Set.of(3L)));
        assertThat(keys("a", 1L, 2L, 3L)).isEmpty();
        assertThat(keys("b", 1L, 3L)).containsExactly(new KeyRequest.Retry(Set.of(1L, 3L)));
        assertThat(keys("a", 1L)).containsExactly(new KeyRequest.Retry(Set.of(1L)));
    }

    @Test
    void aTableOfWhichNothingWaitedIsForgotten() {
        keys("a", 1L);
        assertThat(watch.due(Map.of())).isEmpty();

        assertThat(keys("a", 2L)).containsExactly(new KeyRequest.Retry(Set.of(2L)));
    }

    @Test
    void aStoppedTableContinuesWithAnotherShapeThanAtItsStop() {
        assertThat(stopped("a", "a")).isEmpty();
        assertThat(stopped("b", "a")).containsExactly(new KeyRequest.Resume(TABLE));
        assertThat(stopped("b", "a")).as("it was refused").isEmpty();
        assertThat(stopped("c", "a")).containsExactly(new KeyRequest.Resume(TABLE));
    }

    @Test
    void aMissingTableAndOneThatStoppedForAnotherReasonRemainStopped() {
        assertThat(stopped(TargetShape.MISSING, "a")).isEmpty();
        assertThat(stopped("b", "")).isEmpty();
        assertThat(stopped("b", TargetShape.MISSING)).containsExactly(new KeyRequest.Resume(TABLE));
    }
}
