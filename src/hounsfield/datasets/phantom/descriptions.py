"""The descriptions (TOML) that lie beside the phantom's tables."""

_COLUMNS = """
[columns]
age = "age"
sex = "sex"
site = "site"
"""

MASSES = f"""\
# The phantom, masses: a case is one mass, cut out of its film around its box; benign or malignant.
name = "phantom_masses"
modality = "MG"
table = "masses.csv"
image = "films/{{image}}.dcm"
id = "{{image}}_{{box_index}}"
patient = "patient"

[class]
column = "label"
names = ["benign", "malignant"]

[box]
x0 = "x0"
y0 = "y0"
x1 = "x1"
y1 = "y1"
label = "label"

[crop]
context = 1.5
{_COLUMNS}mask = "masks/{{image}}_{{box_index}}.png"
subgroups = ["density", "view", "margin"]
"""

FILMS = f"""\
# The phantom, films: a case is a whole film with the boxes of its masses; malignant if any of them is.
name = "phantom_films"
modality = "MG"
table = "films.csv"
image = "films/{{image}}.dcm"
id = "image"
patient = "patient"

[class]
column = "any_malignant"
names = ["not malignant", "malignant"]
values = {{ "0" = "not malignant", "1" = "malignant" }}

[box]
table = "masses.csv"
on = "image"
label = "label"
x0 = "x0"
y0 = "y0"
x1 = "x1"
y1 = "y1"
{_COLUMNS}subgroups = ["density", "view", "n_masses"]
"""

LANDMARKS = f"""\
# The phantom, landmarks: a case is a whole film with its nipple, and the chest wall straight behind it.
name = "phantom_landmarks"
modality = "MG"
table = "films.csv"
image = "films/{{image}}.dcm"
id = "image"
patient = "patient"

[landmarks]
nipple = ["nipple_x", "nipple_y"]
chest_wall = ["chest_wall_x", "chest_wall_y"]
{_COLUMNS}subgroups = ["density", "view"]
"""
