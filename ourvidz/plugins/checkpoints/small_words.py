"""The words that the tokenizers of small checkpoints know: of landscapes, weather, light and pictures."""

from __future__ import annotations

#: Each of these is one token; any other text is spelt from pieces and letters.
WORDS = """
a an the of in on at by with and or over under above below near between beside behind through into from
across along around without no not two three many few some one old new small large big tiny huge tall
wide long short deep high low far close bright dark light soft hard warm cold cool dry wet clean clear
calm quiet wild gentle golden silver red orange yellow green blue purple pink white black grey brown teal
turquoise crimson scarlet amber ivory violet indigo pastel vivid muted colourful colorful monochrome
morning noon evening night dawn dusk sunrise sunset twilight midnight spring summer autumn winter sun
moon star stars sky cloud clouds rain snow mist fog storm thunder lightning wind rainbow aurora horizon
mountain mountains hill hills valley canyon cliff cliffs coast shore beach island sea ocean wave waves
lake river stream waterfall pond water ice glacier desert dune sand rock rocks stone stones cave volcano
forest wood woods tree trees pine oak birch palm leaf leaves branch flower flowers rose tulip sunflower
lavender meadow field fields grass garden moss fern mushroom path road bridge street village town city
harbour harbor lighthouse tower castle temple cathedral church house cottage cabin barn mill windmill
ruins wall gate window door roof tiles stairs market shop cafe library museum station train tram car bus
bicycle boat ship sailing balloon aeroplane airplane rocket lantern lamp candle fire smoke table chair
book books clock vase bowl cup teapot bottle glass basket fruit apple apples pear lemon orange cherry
grapes bread cake cheese coffee tea bird birds owl eagle swan duck fox wolf bear deer horse cow sheep cat
dog rabbit fish whale turtle butterfly bee paper ink pencil charcoal oil watercolour watercolor painting
drawing sketch print photograph photo picture illustration poster mosaic fresco texture pattern abstract
minimal minimalist geometric detailed highly intricate simple realistic impressionist cubist surreal art
deco nouveau baroque vintage modern style study still life landscape seascape cityscape panorama macro
view aerial wide angle focus depth field bokeh contrast shadow shadows reflection reflections glow
glowing haze hazy foggy misty rainy snowy sunny cloudy starry wooden metal marble porcelain copper brass
velvet linen blurry grainy low quality noise dull flat
"""
