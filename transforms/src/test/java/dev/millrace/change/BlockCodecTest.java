package dev.millrace.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.ChangeEvent.Origin;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BlockCodecTest {

    private static final TableId TABLE = new TableId("sales", "Order \"odd\"");
    private static final RowSchema ROW_SCHEMA =
            new RowSchema(TABLE, List.of("a", "id", "big", "n"), List.of(1));
    private static final Row PARTIAL =
            new Row.Builder(ROW_SCHEMA).text(0, "").text(1, "7").unchanged(2).text(3, null).build();
    private static final Row WHOLE = Row.of(ROW_SCHEMA, "é𝄞\n", "-1", "x".repeat(300), null);
    private static final RowSchema OTHER_SCHEMA =
            new RowSchema(new TableId("sales", "other"), List.of("k"), List.of(0));
    private static final long AT = 123_456_789_012L;
    private static final Token UP_TO = new Token(2, AT, 9);
    private static final Origin ORIGIN = new Origin(new Lsn(-2L), 4_000_000_000L, -5);
    private static final ChangeEvent.Truncate TRUNCATE =
            new ChangeEvent.Truncate(2, ORIGIN, TABLE, 99);
    private static final ChangeEvent.Watermark WATERMARK =
            new ChangeEvent.Watermark(ORIGIN, new WatermarkNumber(3, Long.MAX_VALUE));
    private static final ChangeEvent.BackfillComplete COMPLETE =
            new ChangeEvent.BackfillComplete(2, TABLE);

    private final BlockCodec codec = new BlockCodec();

    /// Rows of two schemas, of the same and of different origins.
    static List<ChangeEvent.OfRow> changes() {
        Row other = Row.of(OTHER_SCHEMA, "1");
        return List.of(
                new ChangeEvent.Read(2, Origin.NONE, WHOLE),
                new ChangeEvent.Insert(2, ORIGIN, WHOLE),
                new ChangeEvent.Insert(2, ORIGIN, other),
                new ChangeEvent.Update(2, ORIGIN, PARTIAL),
                new ChangeEvent.Insert(2, ORIGIN, PARTIAL, true),
                new ChangeEvent.Update(2, ORIGIN, PARTIAL, true),
                new ChangeEvent.Delete(2, Origin.NONE, PARTIAL),
                new ChangeEvent.Oversized(2, ORIGIN, PARTIAL, "too large"),
                new ChangeEvent.Read(2, Origin.NONE, other));
    }

    static List<byte[]> records() {
        BlockCodec codec = new BlockCodec();
        return List.of(
                block(codec),
                codec.encode(TRUNCATE, 5),
                codec.encode(WATERMARK, 6),
                codec.encode(COMPLETE, 7));
    }

    static List<byte[]> targetRecords() {
        BlockCodec codec = new BlockCodec();
        TargetBlock.Writer writer = codec.targetChanges();
        targetChanges().forEach(writer::add);
        return List.of(
                writer.take(UP_TO, 77),
                codec.encode(new TargetChange.Truncate(UP_TO, List.of(TABLE), 99), 5),
                codec.encode(new TargetChange.BackfillComplete(UP_TO, List.of(TABLE)), 5),
                codec.encode(
                        new TargetChange.Watermark(Token.none(4), new WatermarkNumber(3, 8)), 6));
    }

    private static List<TargetChange> targetChanges() {
        return List.of(
                new TargetChange.Upsert(new Token(2, AT, 0), PARTIAL),
                new TargetChange.Upsert(new Token(2, AT, 0), Row.of(OTHER_SCHEMA, "1")),
                new TargetChange.Delete(new Token(2, AT, 3), WHOLE),
                new TargetChange.Rejected(
                        new Token(2, AT, 4), TABLE, 1, "why", Optional.empty(), WHOLE),
                new TargetChange.Rejected(
                        new Token(2, AT, 9),
                        TABLE,
                        0,
                        "why",
                        Optional.of(Row.of(OTHER_SCHEMA, "1")),
                        PARTIAL));
    }

    private static byte[] block(BlockCodec codec) {
        ChangeBlock.Writer writer = codec.changes(2);
        changes().forEach(writer::add);
        return writer.take(1_000);
    }

    @Test
    void roundTripsChangesOfRows() {
        ChangeBlock block = codec.decodeChanges(block(codec));

        assertThat(block).isEqualTo(new ChangeBlock(2, 1_000, List.copyOf(changes())));
        assertThat(block.changeCount()).isEqualTo(9);
    }

    @Test
    void aWriterIsEmptyAfterABlockWasTaken() {
        ChangeBlock.Writer writer = codec.changes(2);
        changes().forEach(writer::add);
        writer.take(6);
        changes().forEach(writer::add);

        assertThat(codec.decodeChanges(writer.take(12)).events()).isEqualTo(List.copyOf(changes()));
    }

    @Test
    void roundTripsEventsWithoutRow() {
        assertThat(codec.decodeChanges(codec.encode(TRUNCATE, 5)))
                .isEqualTo(new ChangeBlock(2, 5, List.of(TRUNCATE)));
        assertThat(codec.decodeChanges(codec.encode(WATERMARK, 6)))
                .isEqualTo(new ChangeBlock(3, 6, List.of(WATERMARK)));
        assertThat(codec.decodeChanges(codec.encode(COMPLETE, 7)))
                .isEqualTo(new ChangeBlock(2, 7, List.of(COMPLETE)));
    }

    @Test
    void roundTripsTargetChanges() {
        assertThat(targetRecords().stream().map(codec::decodeTarget))
                .containsExactly(
                        new TargetBlock(UP_TO, 77, targetChanges()),
                        new TargetBlock(
                                UP_TO,
                                5,
                                List.of(new TargetChange.Truncate(UP_TO, List.of(TABLE), 99))),
                        new TargetBlock(
                                UP_TO,
                                5,
                                List.of(new TargetChange.BackfillComplete(UP_TO, List.of(TABLE)))),
                        new TargetBlock(
                                Token.none(4),
                                6,
                                List.of(
                                        new TargetChange.Watermark(
                                                Token.none(4), new WatermarkNumber(3, 8)))));
    }

    @Test
    void aBlockIsFullBeforeTheRowThatWouldExceedIt() {
        ChangeBlock.Writer writer = codec.changes(2);
        Row half = Row.of(OTHER_SCHEMA, "x".repeat(ChangeBlock.FULL / 2));
        Row tooLarge = Row.of(OTHER_SCHEMA, "x".repeat(2 * ChangeBlock.FULL));

        assertThat(writer.isFullFor(tooLarge)).isFalse();
        writer.add(new ChangeEvent.Insert(2, ORIGIN, half));
        assertThat(writer.isFullFor(WHOLE)).isFalse();
        assertThat(writer.isFullFor(half)).isTrue();
    }

    @ParameterizedTest
    @MethodSource("records")
    void refusesTruncatedOrTooLongRecord(byte[] bytes) {
        refusesEveryOtherLength(bytes, codec::decodeChanges);
    }

    @ParameterizedTest
    @MethodSource("targetRecords")
    void refusesTruncatedOrTooLongTargetRecord(byte[] bytes) {
        refusesEveryOtherLength(bytes, codec::decodeTarget);
    }

    private static void refusesEveryOtherLength(byte[] bytes, Consumer<byte[]> decoder) {
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> decoder.accept(cut))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> decoder.accept(Arrays.copyOf(bytes, bytes.length + 1)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesAnotherFormatByNumberWithWhatToDo() {
        byte[] bytes = block(codec);
        bytes[0] = 1;

        assertThatThrownBy(() -> codec.decodeChanges(bytes))
                .isInstanceOf(BlockCodec.UnknownFormatException.class)
                .hasMessage(
                        "the record has format 1, but this version reads format 2. Start a migration"
                                + " with another name, or run the version that wrote the record");
    }

    @Test
    void distinguishesUnchangedCellFromAnyText() {
        Row row = Row.of(ROW_SCHEMA, "unchanged", "1", "unchanged", "unchanged");
        ChangeBlock.Writer writer = codec.changes(1);
        writer.add(new ChangeEvent.Read(1, ORIGIN, row));

        Row back =
                ((ChangeEvent.Read) codec.decodeChanges(writer.take(1)).events().getFirst()).row();

        assertThat(back.isPartial()).isFalse();
        assertThat(back).isEqualTo(row);
        assertThat(back.detached()).isEqualTo(row).hasSameHashCodeAs(row);
    }

    @Test
    void mergesAndCopiesCellsOfEveryKind() {
        assertThat(PARTIAL.over(WHOLE))
                .isEqualTo(Row.of(ROW_SCHEMA, "", "7", "x".repeat(300), null));
        assertThat(WHOLE.over(PARTIAL)).isEqualTo(WHOLE);
        assertThatThrownBy(() -> PARTIAL.text(2)).isInstanceOf(IllegalStateException.class);
        assertThat(PARTIAL.key()).isEqualTo(RowKey.of(TABLE, "7"));
        assertThat(RowKey.of(TABLE, "a", null, "").values()).containsExactly("a", null, "");
    }

    @Test
    void partsOfATableStayApart() {
        TableId part = TABLE.withPart("a.b");
        RowSchema schema = RowSchema.keyed(part, List.of("id"), List.of("id"));
        List<TargetChange> changes =
                List.of(
                        new TargetChange.Upsert(new Token(2, AT, 0), Row.of(schema, "1")),
                        new TargetChange.Upsert(new Token(2, AT, 0), Row.of(OTHER_SCHEMA, "1")));
        TargetBlock.Writer writer = codec.targetChanges();
        changes.forEach(writer::add);

        assertThat(codec.decodeTarget(writer.take(UP_TO, 2)).changes()).isEqualTo(changes);
        TargetChange.BackfillComplete complete =
                new TargetChange.BackfillComplete(UP_TO, List.of(part, TABLE));
        assertThat(codec.decodeTarget(codec.encode(complete, 5)).changes())
                .containsExactly(complete);
        assertThat(RowKey.of(part, "1")).isNotEqualTo(RowKey.of(TABLE, "1"));
        assertThat(part.whole()).isEqualTo(TABLE);
        assertThat(part).isGreaterThan(TABLE).hasToString(TABLE + " (a.b)");
    }

    @Test
    void keyBytesAreInjective() {
        assertThat(RowKey.of(TABLE, "a", "bc").bytes())
                .isNotEqualTo(RowKey.of(TABLE, "ab", "c").bytes());
        assertThat(RowKey.of(TABLE, "", null).bytes())
                .isNotEqualTo(RowKey.of(TABLE, null, "").bytes());
    }

    @Test
    void rowsAndKeysNeverPrintValues() {
        assertThat(WHOLE.toString() + WHOLE.key() + changes().getFirst())
                .doesNotContain("𝄞")
                .doesNotContain("xxx");
    }
}
