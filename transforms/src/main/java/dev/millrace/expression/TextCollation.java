package dev.millrace.expression;

import dev.millrace.sql.Relation;

/// The collation that PostgreSQL derives for an expression. Immutable.
public sealed interface TextCollation {

    /// The value is not text.
    record None() implements TextCollation {}

    /// The database's collation, known by name only: the collation of a constant.
    record Default() implements TextCollation {}

    record Of(Relation.Collation collation) implements TextCollation {}

    /// Two columns have different collations; PostgreSQL refuses to compare them.
    record Conflict() implements TextCollation {}

    String DEFAULT_NAME = "default";

    TextCollation NONE = new None();
    TextCollation DEFAULT = new Default();

    static TextCollation of(Relation.Collation collation) {
        return collation.name().isEmpty() ? NONE : new Of(collation);
    }

    /// Any other collation takes precedence over the database's.
    default TextCollation with(TextCollation other) {
        if (this instanceof None || equals(other)) {
            return other;
        }
        if (other instanceof None || this instanceof Conflict) {
            return this;
        }
        if (other instanceof Conflict) {
            return other;
        }
        if (this instanceof Default) {
            return other;
        }
        if (other instanceof Default) {
            return this;
        }
        return isDefault() ? other : other.isDefault() ? this : new Conflict();
    }

    private boolean isDefault() {
        return this instanceof Of(Relation.Collation collation)
                && collation.name().equals(DEFAULT_NAME);
    }

    /// The name of its case map.
    default String name() {
        return this instanceof Of(Relation.Collation collation) ? collation.name() : DEFAULT_NAME;
    }

    default boolean isDeterministic() {
        return !(this instanceof Of(Relation.Collation collation)) || collation.deterministic();
    }

    /// True when text is ordered by code points.
    default boolean ordersByCodePoint() {
        return this instanceof Of(Relation.Collation collation)
                && (collation.provider() == Relation.Collation.Provider.C
                        || collation.provider() == Relation.Collation.Provider.BUILTIN);
    }
}
