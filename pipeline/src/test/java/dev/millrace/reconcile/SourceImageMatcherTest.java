package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.reconcile.KeyHistories.KeyImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SourceImageMatcherTest {

    private static final RowKey KEY = user(7, "", "").key();
    private static final int WIDTH = 1_000_000;

    private final List<Long> compared = new ArrayList<>();

    private List<Row> compare(List<Row> images) {
        compared.add(images.stream().mapToLong(Row::size).sum());
        return images;
    }

    private static Row wide(int version) {
        return user(7, "x".repeat(WIDTH), Integer.toString(version));
    }

    /// A batch of the log can contain thousands of partial updates of one wide row.
    @Test
    void theImagesOfOneBatchAreComparedInParts() {
        Row read = ((MappedRow.Upsert) new UserMapper().map(wide(3))).row();
        SourceRows source =
                new SourceRows(Map.of(KEY, new RowSum(1, 1, 1)), Set.of(KEY), Map.of(KEY, read));
        SourceImageMatcher matcher =
                new SourceImageMatcher(source, new UserMapper(), this::compare);

        for (int version = 30; version > 0; version--) {
            ChangeEvent change = new ChangeEvent.Update(1, Origin.NONE, wide(version));
            matcher.add(KEY, change, new KeyImage.Present(wide(version)));
        }
        matcher.matchAdded();

        assertThat(matcher.isMatched(KEY)).isTrue();
        assertThat(compared)
                .hasSizeGreaterThan(2)
                .allSatisfy(
                        bytes ->
                                assertThat(bytes)
                                        .isLessThan(SourceImageMatcher.MOST_BYTES + 2 * WIDTH));
    }
}
