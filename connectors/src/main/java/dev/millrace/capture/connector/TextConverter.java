package dev.millrace.capture.connector;

import io.debezium.connector.postgresql.UnchangedToastedReplicationMessageColumn;
import io.debezium.data.SpecialValueDecimal;
import io.debezium.spi.converter.CustomConverter;
import io.debezium.spi.converter.RelationalColumn;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.sql.Array;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;
import java.util.Properties;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.jspecify.annotations.Nullable;

/// Converts every value to PostgreSQL's own text; registered for every column. An unchanged TOASTed
/// value becomes [#UNCHANGED], and a value without a known text becomes [#UNREADABLE]: the
/// conversion never fails, because the engine would log the row. The engine's schemas have no
/// defaults, because a record returns its schema's default for a NULL. Thread-safe.
public final class TextConverter implements CustomConverter<SchemaBuilder, RelationalColumn> {

    /// Marks an unchanged value inside the engine; compared by identity, so that no user's text
    /// equals it.
    @SuppressWarnings(
            "StringOperationCanBeSimplified") // a new object, identical to no other string
    public static final String UNCHANGED = new String("unchanged");

    /// Marks a value of an unknown class; compared by identity.
    @SuppressWarnings("StringOperationCanBeSimplified")
    public static final String UNREADABLE = new String("unreadable");

    @Override
    public void configure(Properties properties) {}

    @Override
    public void converterFor(
            RelationalColumn column, ConverterRegistration<SchemaBuilder> registration) {
        registration.register(schema(), TextConverter::text);
    }

    static SchemaBuilder schema() {
        return new WithoutDefault().optional();
    }

    /// The stream delivers texts. The snapshot selects texts; for some of them the engine's JDBC
    /// connection creates arrays and decimals, whose text is the same, and money, whose text must
    /// be formatted again.
    static @Nullable String text(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case String text -> text;
            case Array array -> array.toString();
            case SpecialValueDecimal numeric -> numeric(numeric);
            case BigDecimal money -> MoneyText.of(money);
            default ->
                    UnchangedToastedReplicationMessageColumn.isUnchangedToastedValue(value)
                            ? UNCHANGED
                            : UNREADABLE;
        };
    }

    private static String numeric(SpecialValueDecimal numeric) {
        if (numeric.getDecimalValue().isPresent()) {
            return numeric.getDecimalValue().get().toPlainString();
        }
        return switch (numeric.toString()) {
            case "NAN" -> "NaN";
            case "POSITIVE_INFINITY" -> "Infinity";
            case "NEGATIVE_INFINITY" -> "-Infinity";
            default -> UNREADABLE;
        };
    }

    /// A text schema without a default, whatever default the engine reads from the catalog.
    private static final class WithoutDefault extends SchemaBuilder {

        WithoutDefault() {
            super(Type.STRING);
        }

        @Override
        public SchemaBuilder defaultValue(Object value) {
            return this;
        }
    }

    /// An amount as PostgreSQL prints `money` under lc_monetary C: `-$1,234.56`.
    static final class MoneyText {

        private MoneyText() {}

        static String of(BigDecimal amount) {
            DecimalFormat format =
                    new DecimalFormat(
                            "$#,##0.00;-$#,##0.00", DecimalFormatSymbols.getInstance(Locale.ROOT));
            format.setRoundingMode(RoundingMode.UNNECESSARY);
            return format.format(amount);
        }
    }
}
