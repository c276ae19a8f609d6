package dev.millrace.capture.position;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeBlock;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import java.util.List;
import org.junit.jupiter.api.Test;

class RowLimitTest {

    private static final RowSchema DOC =
            RowSchema.keyed(new TableId("public", "doc"), List.of("id", "a", "b"), List.of("id"));

    /// With a key of one byte.
    private static Row row(int a, int b) {
        return Row.of(DOC, "1", "a".repeat(a), "b".repeat(b));
    }

    @Test
    void aRowOfTheLimitIsWrittenAsItIs() {
        ChangeEvent.OfRow insert =
                new ChangeEvent.Insert(1, Origin.NONE, row(10, ChangeBlock.LARGEST - 11));

        assertThat(RowLimit.fitting(insert)).isSameAs(insert);
    }

    @Test
    void aByteMoreIsOversizedWithoutItsLargestCell() {
        Row large = row(10, ChangeBlock.LARGEST - 10);
        for (ChangeEvent.OfRow change :
                List.of(
                        new ChangeEvent.Insert(1, Origin.NONE, large),
                        new ChangeEvent.Update(1, Origin.NONE, large),
                        new ChangeEvent.Read(1, Origin.NONE, large))) {
            assertThat(RowLimit.fitting(change))
                    .isInstanceOfSatisfying(
                            ChangeEvent.Oversized.class,
                            oversized -> {
                                assertThat(oversized.row().key()).isEqualTo(large.key());
                                assertThat(oversized.row().text(1)).isEqualTo("a".repeat(10));
                                assertThat(oversized.row().isUnchanged(2)).isTrue();
                                assertThat(oversized.reason())
                                        .startsWith(
                                                "A row of public.doc has 66060289 bytes, 66060278 of"
                                                        + " them in column b, and a record of the"
                                                        + " log can hold at most 66060288.");
                            });
        }
    }

    @Test
    void asManyCellsAreLeftOutAsNecessary() {
        Row large = row(ChangeBlock.LARGEST, ChangeBlock.LARGEST);

        assertThat(((ChangeEvent.Oversized) RowLimit.fitting(update(large))).row().size())
                .isEqualTo(1);
    }

    private static ChangeEvent.OfRow update(Row row) {
        return new ChangeEvent.Update(1, Origin.NONE, row);
    }

    /// Of the deleted row only the key is reliable.
    @Test
    void aDeleteRemainsADelete() {
        Row large = row(10, ChangeBlock.LARGEST);

        assertThat(RowLimit.fitting(new ChangeEvent.Delete(1, Origin.NONE, large)))
                .isInstanceOfSatisfying(
                        ChangeEvent.Delete.class,
                        delete -> assertThat(delete.row().key()).isEqualTo(large.key()));
    }
}
