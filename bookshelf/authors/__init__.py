"""Authors: who wrote what is catalogued, with the country that they are counted to."""
