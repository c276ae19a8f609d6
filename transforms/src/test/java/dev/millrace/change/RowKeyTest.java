package dev.millrace.change;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RowKeyTest {

    private static final TableId TABLE = new TableId("public", "item");

    private static RowKey key(@Nullable String... values) {
        return RowKey.of(TABLE, values);
    }

    private static final List<RowKey> ASCENDING =
            List.of(
                    key("0", "1"),
                    key("2", null),
                    key("9", "1"),
                    key("10", "9"),
                    key("10", "10"),
                    key("10", "a"),
                    key("10", null),
                    key("999999999999999999", "1"),
                    key("1000000000000000000", "1"),
                    key("9223372036854775807", "1"),
                    key("10000000000000000000", "1"),
                    key("", "1"),
                    key("-1", "1"),
                    key("1.5", "1"),
                    key("a", "1"),
                    key("prefixes", "1"),
                    key("prefixes of a", "1"),
                    key("prefixes of b", "0"),
                    key("é", "1"),
                    key("𝄞", "1"),
                    key(null, "1"),
                    key(null, "2"));

    @Test
    void ordersNumbersByValueThenTextsByBytesThenNull() {
        Random random = new Random(7);
        List<RowKey> keys = new ArrayList<>(ASCENDING);
        for (int i = 0; i < 50; i++) {
            Collections.shuffle(keys, random);
            keys.sort(RowKey.ORDER);
            assertThat(keys).isEqualTo(ASCENDING);
        }
    }

    @Test
    void prefixesAreInTheOrderOfTheirKeys() {
        assertThat(ASCENDING).isSortedAccordingTo(Comparator.comparingLong(RowKey::orderPrefix));
    }

    @Test
    void onlyEqualKeysCompareAsEqual() {
        for (RowKey left : ASCENDING) {
            for (RowKey right : ASCENDING) {
                assertThat(RowKey.ORDER.compare(left, right) == 0).isEqualTo(left.equals(right));
                assertThat(RowKey.ORDER.compare(left, right))
                        .isEqualTo(-RowKey.ORDER.compare(right, left));
            }
        }
        assertThat(RowKey.ORDER.compare(key("7"), key("007"))).isNegative();
    }
}
