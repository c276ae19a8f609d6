package dev.millrace.parity;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.TypeFit;
import dev.millrace.parity.SchemaFacts.Default;
import dev.millrace.parity.SchemaFinding.Kind;
import dev.millrace.postgres.Identifier;
import dev.millrace.sql.Relation;
import dev.millrace.sql.Relation.SqlType;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Compares each column that a mapping writes with what its SELECT gives: the type always; NOT NULL
/// and the default only if the value is that of one source column. Not thread-safe; used for one
/// mapping.
final class ColumnComparison {

    private static final Pattern CONSTANT =
            Pattern.compile("('(?:[^']|'')*'|-?[0-9.]+)(?:::[^':]+)*");

    private final Mapping mapping;
    private final Relation source;
    private final Relation target;
    private final Map<String, Default> sourceDefaults;
    private final Map<String, Default> targetDefaults;
    private final String table;
    private final List<SchemaFinding> findings = new ArrayList<>();

    private ColumnComparison(Mapping mapping, Relation source, Relation target, Facts facts) {
        this.mapping = mapping;
        this.source = source;
        this.target = target;
        this.sourceDefaults = facts.source().of(mapping.source()).defaults();
        this.targetDefaults = facts.target().of(mapping.target().table()).defaults();
        this.table = Identifier.quote(mapping.target().table());
    }

    /// The facts of both databases.
    record Facts(SchemaFacts source, SchemaFacts target) {}

    /// @param source as the catalogs describe the tables now
    static List<SchemaFinding> of(
            Mapping mapping, Relation source, @Nullable Relation target, Facts facts) {
        if (target == null) {
            TableId missing = mapping.target().table().whole();
            return List.of(
                    SchemaFinding.blocks(
                            Kind.COLUMN,
                            missing.toString(),
                            "does not exist on the target",
                            "Create the table again, then run 'millrace rebackfill --table "
                                    + missing
                                    + "'."));
        }
        ColumnComparison comparison = new ColumnComparison(mapping, source, target, facts);
        Map<String, String> copies = mapping.mapper().copies();
        for (int i = 0; i < mapping.outputs().size(); i++) {
            String name = mapping.target().columns().get(i);
            comparison.compare(name, mapping.outputs().get(i), copies.get(name));
        }
        return comparison.findings;
    }

    /// @param copied the source column whose value it is; `null` for an expression
    private void compare(String name, SqlType output, @Nullable String copied) {
        Optional<Relation.Column> written = target.column(name);
        if (written.isEmpty()) {
            findings.add(
                    SchemaFinding.blocks(
                            Kind.COLUMN,
                            object(name),
                            "does not exist on the target, and the SELECT writes it",
                            alterTable("ADD COLUMN " + quoted(name) + " " + output.formatted())
                                    + " Then run 'millrace rebackfill --table "
                                    + mapping.target().table().whole()
                                    + "'."));
            return;
        }
        compareType(written.get(), output, copied != null);
        if (copied != null) {
            source.column(copied)
                    .ifPresent(
                            from -> {
                                compareNull(from, written.get());
                                compareDefault(from.name(), written.get());
                            });
        }
    }

    /// A computed text may be a string constant, which takes the type of its column.
    private void compareType(Relation.Column column, SqlType output, boolean copied) {
        if (!copied && output.name().equals("text")) {
            return;
        }
        boolean fits = TypeFit.fits(ValueType.ofColumn(output), ValueType.ofColumn(column.type()));
        String types =
                "has the type %s, and the SELECT gives %s"
                        .formatted(column.type().formatted(), output.formatted());
        if (!fits) {
            findings.add(
                    SchemaFinding.blocks(
                            Kind.TYPE,
                            object(column.name()),
                            types + ": values that the source accepts would be refused or changed",
                            changeType(column.name(), output)));
        } else if (!output.formatted().equals(column.type().formatted())) {
            findings.add(
                    SchemaFinding.warning(
                            Kind.TYPE,
                            object(column.name()),
                            types
                                    + ": after the switchover it accepts values that the way back"
                                    + " cannot carry",
                            changeType(column.name(), output)
                                    + " Keep the type if that is intended."));
        }
    }

    private String changeType(String column, SqlType type) {
        return alterColumn(column, "TYPE " + type.formatted());
    }

    private void compareNull(Relation.Column from, Relation.Column column) {
        if (from.notNull() && !column.notNull()) {
            findings.add(
                    SchemaFinding.warning(
                            Kind.NULLABILITY,
                            object(column.name()),
                            "accepts NULL, and %s on the source does not"
                                    .formatted(named(from.name())),
                            alterColumn(column.name(), "SET NOT NULL")));
        } else if (!from.notNull() && column.notNull()) {
            findings.add(
                    SchemaFinding.warning(
                            Kind.NULLABILITY,
                            object(column.name()),
                            "is NOT NULL, and %s on the source accepts NULL: such a row is refused"
                                    .formatted(named(from.name())),
                            alterColumn(column.name(), "DROP NOT NULL")
                                    + " Keep it if the application writes no NULL."));
        }
    }

    /// What sequences supply is reported with the sequences.
    private void compareDefault(String from, Relation.Column column) {
        Default ofSource = sourceDefaults.get(from);
        if (ofSource == null || ofSource.supplied()) {
            return;
        }
        Default ofTarget = targetDefaults.get(column.name());
        String remedy = alterColumn(column.name(), "SET DEFAULT " + ofSource.expression());
        if (ofTarget == null && column.notNull()) {
            findings.add(
                    SchemaFinding.blocks(
                            Kind.DEFAULT,
                            object(column.name()),
                            "is NOT NULL without a default, and %s on the source has one: after the switchover an INSERT without this column fails"
                                    .formatted(named(from)),
                            remedy));
        } else if (ofTarget == null) {
            findings.add(
                    SchemaFinding.warning(
                            Kind.DEFAULT,
                            object(column.name()),
                            "has no default, and %s on the source has one: after the switchover an INSERT without this column writes NULL"
                                    .formatted(named(from)),
                            remedy));
        } else if (!constant(ofTarget).equals(constant(ofSource))) {
            findings.add(
                    SchemaFinding.warning(
                            Kind.DEFAULT,
                            object(column.name()),
                            "has another default than %s on the source".formatted(named(from)),
                            remedy + " Keep it if that is intended."));
        }
    }

    /// The constant alone, if the default is one: its type follows the column's.
    private static String constant(Default of) {
        Matcher constant = CONSTANT.matcher(of.expression());
        return constant.matches() ? constant.group(1) : of.expression();
    }

    private String named(String sourceColumn) {
        return mapping.source() + "." + sourceColumn;
    }

    private String object(String column) {
        return mapping.target().table().whole() + "." + column;
    }

    private String alterColumn(String column, String change) {
        return alterTable("ALTER COLUMN " + quoted(column) + " " + change);
    }

    private String alterTable(String change) {
        return "ALTER TABLE " + table + " " + change + ";";
    }

    private static String quoted(String column) {
        return Identifier.quote(column);
    }
}
