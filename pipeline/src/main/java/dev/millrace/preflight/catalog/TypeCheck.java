package dev.millrace.preflight.catalog;

import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.types.TypeParts;
import dev.millrace.postgres.types.TypeParts.Kind;
import dev.millrace.postgres.types.TypeParts.Part;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.sql.Relation;
import dev.millrace.sql.Relation.SqlType;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/// Checks that the text of every value means the same on the target: no type refers to an object of
/// one database, PostgreSQL reads what it prints, and both sides define a type alike.
public final class TypeCheck {

    /// Their text is the name of an object or a role, which the target may not have, or which means
    /// another one there.
    private static final Set<String> NAMING =
            Set.of(
                    "regclass",
                    "regcollation",
                    "regconfig",
                    "regdictionary",
                    "regnamespace",
                    "regoper",
                    "regoperator",
                    "regproc",
                    "regprocedure",
                    "regrole",
                    "regtype",
                    "aclitem");

    /// PostgreSQL prints them, but accepts no text of them.
    private static final Set<String> WITHOUT_INPUT =
            Set.of(
                    "gtsvector",
                    "pg_brin_bloom_summary",
                    "pg_brin_minmax_multi_summary",
                    "pg_dependencies",
                    "pg_mcv_list",
                    "pg_ndistinct",
                    "pg_node_tree");

    /// A column that a mapping writes.
    private record Written(CompiledTable table, String column, SqlType from, Relation.Column to) {}

    private TypeCheck() {}

    public static List<Finding> judge(Session source, Session target, List<CompiledTable> tables) {
        List<Written> columns = tables.stream().flatMap(TypeCheck::written).toList();
        Map<SqlType, List<Part>> from =
                TypeParts.read(source, distinct(columns.stream().map(Written::from)));
        Map<SqlType, List<Part>> to =
                TypeParts.read(target, distinct(columns.stream().map(each -> each.to().type())));
        Findings portable = new Findings(CheckName.SOURCE_TYPES);
        Findings same = new Findings(CheckName.TARGET_TYPES);
        for (Written column : columns) {
            List<Part> parts = from.getOrDefault(column.from(), List.of());
            List<Part> others = to.getOrDefault(column.to().type(), List.of());
            if (parts.isEmpty() || others.isEmpty()) {
                refuseUnknown(portable, column);
            }
            parts.forEach(part -> judgeText(portable, column, part));
            parts.forEach(part -> judgeDefinition(same, column, part, others));
        }
        List<Finding> findings = new ArrayList<>();
        findings.addAll(
                portable.orOk("source columns", "the text of each type means the same elsewhere"));
        findings.addAll(same.orOk("target columns", "each type is defined as on the source"));
        return findings;
    }

    private static Set<SqlType> distinct(Stream<SqlType> types) {
        return types.collect(LinkedHashSet::new, Set::add, Set::addAll);
    }

    private static Stream<Written> written(CompiledTable table) {
        return table.mapping().stream()
                .flatMap(
                        mapping ->
                                mapping.target().columns().stream()
                                        .flatMap(name -> written(table, mapping, name)));
    }

    private static Stream<Written> written(CompiledTable table, Mapping mapping, String name) {
        return table.target().column(name).stream()
                .map(
                        column ->
                                new Written(
                                        table,
                                        name,
                                        mapping.outputs().get(mapping.target().position(name)),
                                        column));
    }

    /// A type that was not found cannot be judged.
    private static void refuseUnknown(Findings findings, Written column) {
        findings.refuse(
                column.table().target().id().toString(),
                "the type of column "
                        + column.column()
                        + " was not found in the catalogs: "
                        + column.from().formatted()
                        + " on the source, "
                        + column.to().type().formatted()
                        + " on the target",
                Remedy.byHand("Check that both types exist, then run plan again."));
    }

    private static void judgeText(Findings findings, Written column, Part part) {
        if (!part.isBuiltIn()) {
            return;
        }
        if (NAMING.contains(part.name())) {
            findings.refuse(
                    column.table().source().id().toString(),
                    subject(column, part)
                            + ", whose value is the number of an object of one database. Its text"
                            + " is a name, which the target may not have or which means another"
                            + " object there",
                    remedy(column));
        } else if (WITHOUT_INPUT.contains(part.name())) {
            findings.refuse(
                    column.table().source().id().toString(),
                    subject(column, part) + ", which PostgreSQL prints but does not read",
                    remedy(column));
        }
    }

    private static String subject(Written column, Part part) {
        String type = column.from().formatted();
        return "the value of "
                + column.column()
                + " is "
                + (part.name().equals(type) ? type : type + ", which contains " + part.name());
    }

    private static Remedy remedy(Written column) {
        return Remedy.byHand(
                "Leave the column out of the SELECT, or change its type to text on both sides. On"
                        + " the target: ALTER TABLE "
                        + Identifier.quote(column.table().target().id())
                        + " ALTER COLUMN "
                        + Identifier.quote(column.column())
                        + " TYPE text;");
    }

    private static void judgeDefinition(
            Findings findings, Written column, Part part, List<Part> others) {
        if (part.isBuiltIn() || part.kind() == Kind.OTHER) {
            return;
        }
        for (Part other : named(part, others)) {
            if (part.kind() == Kind.ENUM && other.kind() == Kind.ENUM) {
                judgeLabels(findings, column, part, other);
            } else if (!part.isDefinedAs(other)) {
                findings.refuse(
                        column.table().target().id().toString(),
                        "the type "
                                + part.name()
                                + " of column "
                                + column.column()
                                + " consists of ("
                                + String.join(", ", other.definition())
                                + "), but on the source of ("
                                + String.join(", ", part.definition())
                                + "), so a value would get another meaning",
                        Remedy.byHand("Define the type on the target as it is on the source."));
            }
        }
    }

    /// The types of the target with this name, which may be in other schemas; of several ones, that
    /// in the same schema. A domain is judged by what it consists of.
    private static List<Part> named(Part part, List<Part> others) {
        List<Part> named =
                others.stream()
                        .filter(
                                other ->
                                        !other.isBuiltIn()
                                                && other.kind() != Kind.OTHER
                                                && other.name().equals(part.name()))
                        .toList();
        List<Part> same =
                named.stream().filter(other -> other.schema().equals(part.schema())).toList();
        return same.isEmpty() ? named : same;
    }

    private static void judgeLabels(Findings findings, Written column, Part part, Part other) {
        List<String> missing =
                part.definition().stream()
                        .filter(label -> !other.definition().contains(label))
                        .toList();
        if (!missing.isEmpty()) {
            findings.refuse(
                    column.table().target().id().toString(),
                    "the enum "
                            + part.name()
                            + " of column "
                            + column.column()
                            + " has no label "
                            + String.join(", ", missing)
                            + ", which the source has",
                    Remedy.onTarget(
                            missing.stream()
                                    .map(label -> addition(other, label))
                                    .toArray(String[]::new)));
        }
    }

    private static String addition(Part type, String label) {
        return "ALTER TYPE "
                + Identifier.quote(type.schema())
                + "."
                + Identifier.quote(type.name())
                + " ADD VALUE "
                + Identifier.literal(label).strip()
                + ";";
    }
}
