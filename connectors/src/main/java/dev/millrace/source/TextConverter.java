package dev.millrace.source;

import io.debezium.connector.postgresql.UnchangedToastedReplicationMessageColumn;
import io.debezium.spi.converter.CustomConverter;
import io.debezium.spi.converter.RelationalColumn;
import java.util.Properties;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.jspecify.annotations.Nullable;

/// Registered for every column, so that the decoder's value reaches us before any conversion could
/// spoil it: each value becomes PostgreSQL's own text, and a TOASTed value that was left alone
/// becomes [#UNCHANGED]. The engine's schemas have no defaults: a record answers a NULL with the
/// default of its schema.
public final class TextConverter implements CustomConverter<SchemaBuilder, RelationalColumn> {

    /// Stands for an unchanged value inside the engine; compared by identity, so no user's text can
    /// be mistaken for it.
    @SuppressWarnings(
            "StringOperationCanBeSimplified") // a string of its own, equal to no other by identity
    static final String UNCHANGED = new String("unchanged");

    @Override
    public void configure(Properties properties) {}

    @Override
    public void converterFor(
            RelationalColumn column, ConverterRegistration<SchemaBuilder> registration) {
        registration.register(new WithoutDefault().optional(), TextConverter::text);
    }

    private static @Nullable String text(@Nullable Object value) {
        if (value == null) {
            return null;
        }
        if (UnchangedToastedReplicationMessageColumn.isUnchangedToastedValue(value)) {
            return UNCHANGED;
        }
        return ServerText.of(value);
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
}
