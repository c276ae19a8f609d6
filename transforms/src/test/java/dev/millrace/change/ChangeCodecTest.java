package dev.millrace.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.ChangeEvent.Origin;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ChangeCodecTest {

    private static final TableId TABLE = new TableId("sales", "Order \"odd\"");
    private static final RowSchema ROW_SCHEMA =
            new RowSchema(TABLE, List.of("a", "id", "big", "n"), List.of(1));
    private static final Row PARTIAL =
            new Row.Builder(ROW_SCHEMA).text(0, "").text(1, "7").unchanged(2).text(3, null).build();
    private static final Row WHOLE = Row.of(ROW_SCHEMA, "é𝄞\n", "-1", "x".repeat(300), null);
    private static final Origin ORIGIN = new Origin(new Lsn(-2L), 4_000_000_000L, -5);

    private final ChangeCodec codec = new ChangeCodec();

    static List<ChangeEvent> events() {
        return List.of(
                new ChangeEvent.Read(1, Origin.NONE, WHOLE),
                new ChangeEvent.Insert(2, ORIGIN, WHOLE),
                new ChangeEvent.Update(2, ORIGIN, PARTIAL),
                new ChangeEvent.Delete(2, ORIGIN, PARTIAL),
                new ChangeEvent.Truncate(2, ORIGIN, TABLE, 99),
                new ChangeEvent.Watermark(ORIGIN, new WatermarkNumber(3, Long.MAX_VALUE)));
    }

    static List<TargetChange> changes() {
        Token token = new Token(2, 123_456_789_012L, 3);
        return List.of(
                new TargetChange.Upsert(token, PARTIAL),
                new TargetChange.Delete(token, WHOLE),
                new TargetChange.Rejected(token, TABLE, RowKey.of(TABLE, "7", null), "why"),
                new TargetChange.Truncate(token, TABLE, 99),
                new TargetChange.Watermark(Token.none(4), new WatermarkNumber(3, 8)));
    }

    @ParameterizedTest
    @MethodSource("events")
    void roundTripsEvents(ChangeEvent event) {
        assertThat(codec.decodeEvent(codec.encode(event))).isEqualTo(event);
    }

    @ParameterizedTest
    @MethodSource("changes")
    void roundTripsTargetChanges(TargetChange change) {
        assertThat(codec.decodeChange(codec.encode(change))).isEqualTo(change);
    }

    @ParameterizedTest
    @MethodSource("events")
    void refusesTruncatedOrTooLongRecord(ChangeEvent event) {
        byte[] bytes = codec.encode(event);

        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> codec.decodeEvent(cut))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> codec.decodeEvent(Arrays.copyOf(bytes, bytes.length + 1)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesUnknownFormatByNumber() {
        byte[] bytes = codec.encode(events().getFirst());
        bytes[0] = 9;

        assertThatThrownBy(() -> codec.decodeEvent(bytes))
                .hasMessage("the record has format 9, but this version reads format 1");
    }

    @Test
    void distinguishesUnchangedCellFromAnyText() {
        Row row = Row.of(ROW_SCHEMA, "unchanged", "1", "unchanged", "unchanged");

        Row back =
                ((ChangeEvent.Read)
                                codec.decodeEvent(
                                        codec.encode(new ChangeEvent.Read(1, ORIGIN, row))))
                        .row();

        assertThat(back.isPartial()).isFalse();
        assertThat(back).isEqualTo(row);
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
        assertThat(WHOLE.toString() + WHOLE.key() + events().getFirst())
                .doesNotContain("𝄞")
                .doesNotContain("xxx");
    }
}
