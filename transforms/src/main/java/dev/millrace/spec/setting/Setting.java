package dev.millrace.spec.setting;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// The schema's description of a key, on the component that binds it. The key is the component's
/// name with hyphens.
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.FIELD, ElementType.RECORD_COMPONENT})
public @interface Setting {

    String value();

    /// The key, where the component cannot have its name because Java reserves it.
    String key() default "";

    boolean required() default false;

    /// A pattern for the text, or for the keys of a mapping; empty for any text.
    String pattern() default "";

    /// The smallest and the largest number, for a numeric key.
    int[] range() default {};

    String standard() default "";

    String[] examples() default {};

    /// The kind of value, for messages: "a mapping", "a list of column names".
    String kind() default "text";

    /// Whether the value is a secret or may contain one. It is never shown.
    boolean secret() default false;

    /// Keys of which at most one may be set.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface AtMostOne {

        String[] value();
    }

    /// A record of which exactly one key is set.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface ExactlyOne {}

    /// Keys that are known but not implemented; refused by name.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface NotYetSupported {

        String[] value() default {};

        /// What a list in place of the record would mean; empty when a list has no meaning.
        String list() default "";
    }

    /// A record that may also be written as the value of one of its components.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface ShortForm {

        String value();
    }
}
