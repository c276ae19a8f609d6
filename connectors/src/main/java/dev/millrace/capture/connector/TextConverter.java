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

/// Registered for every column, so that each value leaves the engine as PostgreSQL's own text. A
/// TOASTed value that was left alone becomes [#UNCHANGED], and what has no known text
/// [#UNREADABLE]: it never fails, because the engine would log the row. The engine's schemas have
/// no defaults: a record answers a NULL with the default of its schema.
public final class TextConverter implements CustomConverter<SchemaBuilder, RelationalColumn> {

    /// Stands for an unchanged value inside the engine; compared by identity, so no user's text can
    /// be mistaken for it.
    @SuppressWarnings(
            "StringOperationCanBeSimplified") // a string of its own, equal to no other by identity
    public static final String UNCHANGED = new String("unchanged");

    /// Stands for a value of a class that is not known here; compared by identity.
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

    /// The stream brings texts. The snapshot selects texts, of which the engine's JDBC connection
    /// makes arrays and decimals, whose text is the same, and money, whose text is printed again.
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

    /// The schema of a text that stays without a default, whatever the engine finds in the catalog.
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
