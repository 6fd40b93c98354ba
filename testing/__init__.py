"""A kit for packages that add passes, models or engines: what the tests of this project use too."""
