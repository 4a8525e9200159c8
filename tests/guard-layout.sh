#!/bin/sh
# inspect/ must never become importable: it would shadow the standard library, and pytest could not even start to say so.
for folder in inspect training datasets serving; do
    for file in "$folder"/*.py "$folder"/lineside/*.py; do
        if [ -e "$file" ]; then
            echo "$file must not exist: $folder/ and $folder/lineside/ are parts of one namespace, put modules deeper" >&2
            exit 1
        fi
    done
done
if find tests -name __init__.py | grep .; then
    echo "tests/ has no __init__.py: it would shadow the packages under test" >&2
    exit 1
fi
